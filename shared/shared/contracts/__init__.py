"""Every event, by the noun whose story it tells. Importing this package fills the catalog."""

import shared.contracts.books
import shared.contracts.credits
import shared.contracts.messages
import shared.contracts.payments
import shared.contracts.subscriptions
import shared.contracts.tasks
import shared.contracts.users  # noqa: F401 - each declares its events
