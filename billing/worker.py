"""The background tasks as Celery's: on one machine or on many, only the broker's address differs.

By default Celery's messages go through a folder, so that a single machine needs no broker. The
worker's own clock (beat) sends each task when it is due; on many machines exactly one runs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from flask import Flask

from billing import file_broker, tasks
from billing.tasks import TASKS, Task


def celery_for(app: Flask) -> Celery:
    """A Celery application that runs `tasks.TASKS` inside `app`."""
    celery = Celery("billing", set_as_current=False)
    celery.conf.update(
        **_broker(app.config["SETTINGS"].broker_url, Path(app.instance_path)),
        beat_schedule={task.name: _times(task) for task in TASKS},
        broker_connection_retry_on_startup=True,
        task_default_queue="billing",
        task_ignore_result=True,
        # One process does the work, one tells the time; the tasks wait for others, not for the CPU.
        worker_pool="solo",
        worker_prefetch_multiplier=1,
        # Nobody asks the workers questions through the broker.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
    )
    for task in TASKS:
        _register(celery, app, task)
    return celery


def _broker(url: str, instance: Path) -> dict[str, Any]:
    """The broker's settings; a `filesystem` address names the folder for the messages.

    Beside it beat keeps when it last sent what.
    """
    parts = urlsplit(url)
    if parts.scheme != "filesystem":
        return {"broker_url": url, "beat_schedule_filename": str(instance / "beat")}
    file_broker.use()
    folder = Path(parts.path)
    for name in ("queue", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        "broker_url": "filesystem://",
        "beat_schedule_filename": str(folder / "beat"),
        "broker_transport_options": {
            "data_folder_in": str(folder / "queue"),
            "data_folder_out": str(folder / "queue"),
            "control_folder": str(folder / "control"),
            # Looked into twice a second, so that the worker also hears soon that it is to end.
            "polling_interval": 0.5,
        },
    }


def _times(task: Task) -> dict[str, Any]:
    seconds = task.every.total_seconds()
    # What a worker that was away did not take in time is not done several times over.
    return {"task": task.name, "schedule": seconds, "options": {"expires": max(seconds, 30)}}


def _register(celery: Celery, app: Flask, task: Task) -> None:
    @celery.task(name=task.name, shared=False)
    def run() -> None:
        with app.app_context():
            tasks.run(task)
