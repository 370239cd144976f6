// Two windows side by side on a table, for the README's pictures.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** @param desk a page 1000 × 700  @param phone a page 360 × 640 */
export async function onTable(chromium, file, desk, phone) {
  const shots = await Promise.all([desk.screenshot(), phone.screenshot()]);
  const table = await (await chromium.browser.newContext({ viewport: { width: 1460, height: 780 } })).newPage();
  const [wide, narrow] = shots.map((shot) => `data:image/png;base64,${shot.toString('base64')}`);
  await table.setContent(`<body style="margin:0;height:100vh;position:relative;background:#dccfb8">
    <img src="${wide}" style="position:absolute;left:32px;top:40px;width:1000px;border-radius:14px;box-shadow:0 0 0 1px #b9a987">
    <img src="${narrow}" style="position:absolute;right:32px;top:62px;width:360px;border-radius:26px;border:8px solid #2b2521;box-sizing:content-box">`);
  await table.waitForFunction(() => [...document.images].every((image) => image.complete));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await table.screenshot());
  console.log(file);
}
