"""What the house says to people about deals, events and earnings: the words for codes, a deal's sentences, a receipt's
lines. The portal and `introducer explain` say them from here, so that both say the same.

Messages are English ids of the catalogues in `introducer.locale`; values are typed and written as the reader's language
writes them. Everything that is said is plain text, and a page gets it as markup that keeps each value's direction.
"""
