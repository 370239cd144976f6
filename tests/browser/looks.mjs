// What every page of ours owes to eyes and ears: names for what one can act on, and text that can be told from its ground.
const rgb = (text) => text.match(/[\d.]+/g).map(Number);

export const luminance = (colour) => {
  const [r, g, b] = rgb(colour).slice(0, 3).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};

/** Text shown on the page with a contrast below 4.5 to what is behind it; `looked`: how many pieces of text there were. */
export async function faint(page) {
  const all = await page.evaluate(() => {
    const ground = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        if (!/rgba\(.*, 0\)|transparent/.test(backgroundColor)) return backgroundColor;
      }
      return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll('body *')]
      .filter((one) => one.offsetParent !== null && !one.closest('.sr, :disabled') && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
      .map((one) => ({ what: `${one.className || one.id || one.tagName}: ${one.textContent.trim().slice(0, 30)}`, ink: getComputedStyle(one).color, ground: ground(one) }));
  });
  const weak = all.filter(({ ink, ground }) => /^rgb/.test(ink) && /^rgb/.test(ground)).map((one) => ({ ...one, ratio: contrast(one.ink, one.ground) })).filter(({ ratio }) => ratio < 4.5);
  return { looked: all.length, weak };
}

/** What can be acted on and has no name. */
export const nameless = (page) => page.$$eval('button, textarea, input, select, [role=dialog], dialog, section, aside, nav, form', (all) => all
  .filter((one) => one.offsetParent !== null)
  .filter((one) => !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.labels?.length || one.textContent.trim()))
  .map((one) => one.outerHTML.slice(0, 80)));

/** Ids that something refers to by name and that are not there. */
export const unresolved = (page) => page.$$eval('[aria-labelledby], [aria-describedby], [aria-controls]', (all) => all.flatMap((one) =>
  ['aria-labelledby', 'aria-describedby', 'aria-controls'].map((name) => one.getAttribute(name)).filter(Boolean)).filter((id) => !document.getElementById(id)));
