"""How long the runner waits for OpenClaw, and how much it takes from it."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Every wait and every size has one."""

    connect_s: float = 10
    """until a connection stands and is let in"""
    answer_s: float = 30
    """until a request is answered"""
    silence_s: float = 20
    """until a ping is answered, and between two pings"""
    wait_slice_s: float = 20
    """one wait for the end of a run, of as many as it takes"""
    poll_s: float = 0.25
    """between two looks at a session that is about to change"""
    recovery_s: float = 60
    """for a gateway that crashed to resume its runs by itself"""
    reconnect_s: float = 0.5
    """before the first new connection; each further one waits twice as long"""
    reconnect_max_s: float = 5
    """between two attempts to connect, at most"""
    abort_s: float = 15
    """for a cancelled run to end"""
    progress_interval_s: float = 1
    """between two reports of progress"""
    frame_bytes_max: int = 32 * MIB
    """one frame from the gateway"""
    files_max: int = 100
    """delivered files of a task"""
    file_bytes_max: int = 100 * MIB
    """one delivered file"""
    total_bytes_max: int = 500 * MIB
    """all delivered files of a task"""
