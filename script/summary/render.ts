import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { page, type Theme } from './page.ts'
import { summaries } from './releases.ts'

const IMAGES = path.resolve(import.meta.dirname, '../../docs/images')
const WIDTH = 1012

/** Makes a picture of a page with a browser that is told to draw all of it. */
async function photograph(html: string, target: string, browser: string, parts: string): Promise<void> {
  const file = path.join(parts, 'page.html')
  await writeFile(file, html)
  const run = promisify(execFile)
  const shared = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--virtual-time-budget=20000']
  const ask = [...shared, `--user-data-dir=${path.join(parts, 'browser')}`]
  const url = pathToFileURL(file).href
  const { stdout } = await run(browser, [...ask, `--window-size=${String(WIDTH)},800`, '--dump-dom', url], {
    maxBuffer: 64 * 1024 * 1024,
  })
  const height = /data-height="(\d+)"/.exec(stdout)?.[1]
  if (height === undefined) throw new Error('the page did not draw its chart')
  await run(browser, [...ask, `--window-size=${String(WIDTH)},${height}`, `--screenshot=${target}`, url])
  process.stdout.write(`${path.relative(process.cwd(), target)}\n`)
}

const [browser, parts] = process.argv.slice(2)
if (browser === undefined || parts === undefined) throw new Error('run script/render-summary')
await mkdir(IMAGES, { recursive: true })
for (const [name, markdown] of Object.entries(await summaries())) {
  for (const theme of ['light', 'dark'] satisfies Theme[]) {
    const suffix = theme === 'light' ? '' : '-dark'
    await photograph(await page(markdown, theme, parts), path.join(IMAGES, `${name}${suffix}.png`), browser, parts)
  }
}
