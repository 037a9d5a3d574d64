/** Line plots as SVG, small enough to be read as text, fit for light and dark pages. */

export interface Plot {
  title: string
  x: string
  y: string
  lines: readonly Line[]
}

export interface Line {
  name: string
  color: string
  points: readonly (readonly [x: number, y: number])[]
  /** Where the line goes on without having been measured. */
  dashed?: readonly (readonly [x: number, y: number])[]
}

/** Readable on white and on black. */
export const OURS = '#1a7f64'
export const THEIRS = '#c4602b'

const WIDTH = 420
const HEIGHT = 280
const BOX = { left: 62, right: 16, top: 40, bottom: 46 }

export function svg(plots: readonly Plot[]): string {
  const width = WIDTH * plots.length
  const style =
    'text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-size:13px;font-weight:600}.g{stroke:#8c959f;stroke-opacity:.3}@media(prefers-color-scheme:dark){text{fill:#adbac7}}'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(HEIGHT)}" width="${String(width)}" height="${String(HEIGHT)}" role="img">`,
    `<title>${escape(plots.map(({ title }) => title).join('; '))}</title>`,
    `<style>${style}</style>`,
    ...plots.map((plot, index) => `<g transform="translate(${String(index * WIDTH)} 0)">\n${panel(plot)}\n</g>`),
    '</svg>\n',
  ].join('\n')
}

function panel({ title, x, y, lines }: Plot): string {
  const all = lines.flatMap((line) => [...line.points, ...(line.dashed ?? [])])
  const [xs, ys] = [ticks(Math.max(...all.map(([at]) => at))), ticks(Math.max(...all.map(([, value]) => value)))]
  const right = WIDTH - BOX.right
  const bottom = HEIGHT - BOX.bottom
  const toX = (value: number): number => BOX.left + (value / (xs.at(-1) ?? 1)) * (right - BOX.left)
  const toY = (value: number): number => bottom - (value / (ys.at(-1) ?? 1)) * (bottom - BOX.top)
  return [
    `<text class="t" x="${String(BOX.left)}" y="18">${escape(title)}</text>`,
    ...ys.map((value) => horizontal(value, toY(value), right)),
    ...xs.map(
      (value) => `<text x="${n(toX(value))}" y="${String(bottom + 16)}" text-anchor="middle">${label(value)}</text>`,
    ),
    `<text x="${String((BOX.left + right) / 2)}" y="${String(HEIGHT - 10)}" text-anchor="middle">${escape(x)}</text>`,
    `<text x="14" y="${String((BOX.top + bottom) / 2)}" text-anchor="middle" transform="rotate(-90 14 ${String((BOX.top + bottom) / 2)})">${escape(y)}</text>`,
    ...lines.flatMap((line, index) => drawn(line, index, toX, toY)),
  ].join('\n')
}

function horizontal(value: number, y: number, right: number): string {
  const text = `<text x="${String(BOX.left - 6)}" y="${n(y + 4)}" text-anchor="end">${label(value)}</text>`
  return `<line class="g" x1="${String(BOX.left)}" x2="${String(right)}" y1="${n(y)}" y2="${n(y)}"/>${text}`
}

function drawn(line: Line, index: number, toX: (value: number) => number, toY: (value: number) => number): string[] {
  const path = (points: Line['points']): string => points.map(([x, y]) => `${n(toX(x))},${n(toY(y))}`).join(' ')
  const { dashed = [], color, points } = line
  const last = points.at(-1)
  return [
    `<polyline fill="none" stroke="${color}" stroke-width="2" points="${path(points)}"/>`,
    ...(last && dashed.length > 0
      ? [
          `<polyline fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="3 5" points="${path([last, ...dashed])}"/>`,
        ]
      : []),
    ...points.map(([x, y]) => `<circle cx="${n(toX(x))}" cy="${n(toY(y))}" r="3" fill="${color}"/>`),
    `<text x="${String(BOX.left + 8)}" y="${String(BOX.top + 14 + index * 16)}" style="fill:${color}">${escape(line.name)}</text>`,
  ]
}

/** Round values from 0 to at least `max`. */
function ticks(max: number): number[] {
  if (max <= 0) return [0, 1]
  const rough = max / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, index) => index * step)
}

function label(value: number): string {
  return value >= 1000 ? `${String(value / 1000)}k` : String(Number(value.toFixed(2)))
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
