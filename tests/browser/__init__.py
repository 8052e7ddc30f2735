"""The journeys as a person makes them: in a browser, through the pages and the mailbox."""
