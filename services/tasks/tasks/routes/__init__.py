"""HTTP in: what customers ask for, their live stream, what operators see."""

from shared.http import joined
from tasks.routes import admin, events, tasks

router = joined(tasks.router, events.router, admin.router)
