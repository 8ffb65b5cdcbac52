"""What mails say: `letters` in sentences of the reader's language, `rendering` as HTML and as plain text. Only who
renders imports the latter, and Jinja2 with it.
"""
