"""What goes wrong with a request, in words for a person."""

import httpx


def in_words(error: httpx.RequestError) -> str:
    """Why a request got no answer; one that could not be sent is not quoted, since its headers may be secret."""
    match error:
        case httpx.TimeoutException():
            return f"no answer in time ({type(error).__name__})"
        case httpx.LocalProtocolError():
            return "the request cannot be sent: one of its headers, perhaps a secret, has characters that HTTP forbids"
        case _:
            return str(error) or type(error).__name__
