"""Models over HTTP: the application (`app`), its process (`server`), one idea a file beside them.

body ─▶ parsing ─▶ BatchQueue ─▶ one worker thread ─▶ answers
each request inside the Gate: token, figures, log line; every refusal is a `Refusal`
"""
