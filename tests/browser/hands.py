"""Who walks through the portal in a browser's window: somebody who taps, or somebody with a keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Error, Page

MOST_TABS = 120
PATIENCE = 10_000
"""Milliseconds until what should be there is given up."""
PRESSED = ":is(a, button, summary)"
LEADS_ON = "a[href]:not([href^='#'], [target], [download])"


class Hand:
    """Somebody who taps."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def presses(self, words: str, within: str = "main") -> None:
        self.page.locator(f"{within} {PRESSED}:visible", has_text=words).first.click(timeout=PATIENCE)

    def writes(self, name: str, text: str) -> None:
        """Whatever stood in the field is gone."""
        self.page.locator(f"main [name='{name}']:visible").first.fill(text)

    def ticks(self, name: str, value: str = "") -> None:
        """The box of that name, or the one that stands for this among several."""
        one = f"[value='{value}']" if value else ""
        self.page.locator(f"main [type=checkbox][name='{name}']{one}:visible").first.check()

    def chooses(self, name: str, value: str) -> None:
        self.page.locator(f"main select[name='{name}']:visible").select_option(value)


class Keyboard(Hand):
    """Somebody without a mouse: Tab, Enter, Space, and letters."""

    def _reaches(self, what: str) -> None:
        """Goes on by Tab, from where it stands, until that has the focus."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self._is(what):
                return
        raise AssertionError(f"Tab never came to {what}")

    def _is(self, what: str) -> bool:
        """Whether that is so of what has the focus."""
        # A page that has only begun to come has nothing yet that could have it.
        question = f"() => {{ const one = document.activeElement; return one !== null && ({what}); }}"
        try:
            return bool(self.page.evaluate(question))
        except Error as error:
            # What was pressed leads on only now: the answer is the next page's.
            if "context was destroyed" not in error.message:
                raise
            self.page.wait_for_load_state()
            return bool(self.page.evaluate(question))

    def presses(self, words: str, within: str = "main") -> None:
        self._reaches(f"one.matches('{within} {PRESSED}') && one.innerText.includes({words!r})")
        if self._is(f"one.matches({LEADS_ON!r})"):
            with self.page.expect_navigation(timeout=PATIENCE):
                self.page.keyboard.press("Enter")
        else:
            self.page.keyboard.press("Enter")
            self.page.wait_for_load_state()

    def writes(self, name: str, text: str) -> None:
        self._reaches(f"one.name === {name!r}")
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    def ticks(self, name: str, value: str = "") -> None:
        self._reaches(f"one.name === {name!r} && [one.value, ''].includes({value!r})")
        self.page.keyboard.press("Space")

    def chooses(self, name: str, value: str) -> None:
        self._reaches(f"one.name === {name!r}")
        # The choice is found by the letters it begins with.
        self.page.keyboard.type(self.page.locator(f"main select[name='{name}'] option[value='{value}']").inner_text())
        assert self._is(f"one.value === {value!r}"), f"{name} did not come to {value}"
