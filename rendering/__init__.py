"""What people's texts become for other people: templates filled in, Markdown as HTML, differences of two texts.

Who writes such a text decides what it costs, and a template is a program. So all of it happens in child processes that
can do nothing but compute, for a little while (:mod:`rendering.child`): plain data goes in, text comes out.

Everybody calls :mod:`rendering.texts`. :mod:`rendering.templates`, :mod:`rendering.markdown` and
:mod:`rendering.differences` do the work in the child and know nothing of the rest of this program.
"""
