"""Mail over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime

from engine.config.notify import Channel
from engine.notify.channels import SOCKET, DeliveryFailed
from engine.notify.message import Message


def send(channel: Channel, username: str, password: str, message: Message) -> str:
    """Hand it to the server. DeliveryFailed with the server's code, never its text; OSError when it is not there."""
    try:
        with smtplib.SMTP(channel.host, channel.port, timeout=SOCKET * channel.deadline) as server:
            if channel.starttls:
                server.starttls(context=ssl.create_default_context())
            if username:
                server.login(username, password)
            refused = server.send_message(_letter(channel, message))
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryFailed(f"the server refuses the login ({error.smtp_code})") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise DeliveryFailed("the server refuses every address", refused=_for_good(error.recipients)) from None
    except smtplib.SMTPDataError as error:
        raise DeliveryFailed(f"the server refuses it ({error.smtp_code})", refused=error.smtp_code >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryFailed(f"the server refuses it ({error.smtp_code})") from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryFailed("the server offers no STARTTLS or no login, and the configuration asks for it") from None
    except smtplib.SMTPException as error:
        raise DeliveryFailed(f"the server does not go on: {type(error).__name__}") from None
    if refused:
        words = f"the server refuses {len(refused)} of {len(channel.to)} addresses"
        raise DeliveryFailed(words, refused=_for_good(refused))
    return f"taken for {len(channel.to)} address{'' if len(channel.to) == 1 else 'es'}"


def _for_good(refused: Mapping[str, tuple[int, bytes]]) -> bool:
    """Whether every address was refused with a code that another attempt gets, too."""
    return all(code >= 500 for code, _ in refused.values())


def _letter(channel: Channel, message: Message) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = message.subject
    letter["From"] = channel.sender
    letter["To"] = ", ".join(channel.to)
    letter["Date"] = format_datetime(message.notice.at)
    letter["Message-ID"] = f"<{message.notice.id}@{''.join(c for c in message.deployment if c.isalnum()) or 'abaco'}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.body)
    return letter
