"""HTTP in: what customers ask for, their live stream, what operators see."""

from fastapi import APIRouter

from tasks.routes import admin, events, tasks

router = APIRouter()
router.include_router(tasks.router)
router.include_router(events.router)
router.include_router(admin.router)
