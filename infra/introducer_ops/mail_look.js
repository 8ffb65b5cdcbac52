// What a browser sees of a mail that is wrong: called by `mail_sheets` in each page.
() => {
  const root = document.documentElement, width = root.clientWidth, found = [];
  const words = (one) => one.textContent.trim().slice(0, 40);

  if (root.scrollWidth > width) found.push(`wider than the window by ${root.scrollWidth - width} px`);
  for (const one of document.querySelectorAll("body *")) {
    const box = one.getBoundingClientRect(), name = one.tagName.toLowerCase();
    if (box.width && (box.right > width + 1 || box.left < -1)) {
      found.push(`<${name}> leaves the window: ${words(one)}`);
      break;
    }
    const alone = one.children.length === 0 && getComputedStyle(one).display !== "inline";
    if (alone && one.scrollWidth > one.clientWidth + 1) {
      found.push(`text leaves <${name}>: ${words(one)}`);
      break;
    }
  }
  for (const image of document.images) {
    if (!image.complete || !image.naturalWidth || !image.alt) found.push("a picture is missing, or has no words");
  }

  const sheet = document.querySelector(".sheet"), mirrored = root.dir === "rtl";
  const runs = getComputedStyle(document.querySelector("h1")).direction;
  if (getComputedStyle(sheet).textAlign !== (mirrored ? "right" : "left") || runs !== (mirrored ? "rtl" : "ltr")) {
    found.push("it runs the wrong way");
  }

  // WCAG 2: relative luminance, and 4.5 to 1 for text.
  const part = (value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map(Number).map(part);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const paper = light(getComputedStyle(sheet).backgroundColor);
  for (const one of document.querySelectorAll(".ink, .quiet, .label, .button")) {
    const own = getComputedStyle(one), above = light(own.color);
    const below = one.matches(".button") ? light(own.backgroundColor) : paper;
    const contrast = (Math.max(above, below) + 0.05) / (Math.min(above, below) + 0.05);
    if (contrast < 4.5) {
      found.push(`contrast ${contrast.toFixed(1)}: ${words(one)}`);
      break;
    }
  }
  return {found, text: document.body.innerText};
}
