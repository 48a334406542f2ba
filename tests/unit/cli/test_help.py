"""The rules for the help texts of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from infra.cli.main import app

NOT_IMPERATIVE = {"That", "The", "This", "What", "Where", "Whether", "Who", "How"}


def commands(command: Any, name: str = "clipwise") -> Iterator[tuple[str, Any]]:
    """A command with all its sub-commands."""
    yield name, command
    for child, nested in getattr(command, "commands", {}).items():
        yield from commands(nested, f"{name} {child}")


ALL = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", ALL)
def test_every_command_says_what_it_does(name: str) -> None:
    """A user reads in one imperative sentence what a command does."""
    text = ALL[name].help
    assert text
    assert text.endswith(".")
    assert text[0].isupper()
    assert text.split()[0] not in NOT_IMPERATIVE


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_has_a_help_text(name: str) -> None:
    """No argument or option leaves a user guessing."""
    for parameter in ALL[name].params:
        if parameter.name == "help":
            continue
        text = parameter.help
        assert text, f"{name}: {parameter.name}"
        assert text[0].isupper(), f"{name}: {parameter.name}"
        assert text.endswith("."), f"{name}: {parameter.name}"


def test_no_two_commands_share_a_description() -> None:
    """A user can tell commands apart by the list of them."""
    texts = [command.help for command in ALL.values()]
    assert len(set(texts)) == len(texts)
