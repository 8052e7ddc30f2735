"""HTTP in."""

from fastapi import APIRouter

from auth.routes import accounts, admin, keys, passwords, sessions

router = APIRouter()
for noun in (accounts, passwords, sessions, keys, admin):
    router.include_router(noun.router)
