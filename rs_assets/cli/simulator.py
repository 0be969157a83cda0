"""``rs-assets simulator``: the simulated stations, for demos, tests and offline backfills."""

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulator(arguments: tuple[str, ...]) -> None:
    """Serve the simulated stations until Ctrl-C; `rs-assets simulator --help` lists its options."""
    from rs_assets.simulator.__main__ import main

    main(["--port", "8127", "--list", *arguments])
