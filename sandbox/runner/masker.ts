/**
 * The forms in which the runner recognises a secret besides the secret itself
 * (actions/runner `src/Runner.Common/HostContext.cs` and `src/Sdk/DTLogging/Logging/ValueEncoders.cs`).
 */
const ENCODERS: readonly ((value: string) => string)[] = [
  (value) => base64From(value, 0),
  (value) => base64From(value, 1),
  (value) => base64From(value, 2),
  (value) => value.replaceAll('"', '\\"'),
  (value) => value.replaceAll("'", "''"),
  escapeJson,
  escapeUri,
  escapeXml,
  (value) => (value.length > 8 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : ''),
  beforeAmpersand,
  afterAmpersand,
]

function base64From(value: string, shift: number): string {
  const bytes = Buffer.from(value)
  return (bytes.length > shift ? bytes.subarray(shift) : bytes).toString('base64')
}

function escapeJson(value: string): string {
  return JSON.stringify(value)
    .slice(1, -1)
    .replace(/[\u0085\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function escapeUri(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function escapeXml(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')
}

// PowerShell prints a failed command cut at `&`, with a colour code after `&+`.
function beforeAmpersand(value: string): string {
  const plus = value.indexOf('&+')
  const section = value.slice(0, plus >= 0 ? plus + 2 : value.lastIndexOf('&') + 1)
  return section.length >= 6 ? section : ''
}

function afterAmpersand(value: string): string {
  if (!value.includes('&')) return ''
  const plus = value.indexOf('&+')
  const section = value.slice(plus >= 0 ? plus + 3 : value.lastIndexOf('&') + 1)
  return section.length >= 6 ? section : ''
}

/** Replaces secrets in log lines as the runner does (actions/runner `src/Sdk/DTLogging/Logging/SecretMasker.cs`). */
export class Masker {
  private readonly originals = new Set<string>()
  private readonly forms = new Set<string>()

  /** Adds one value with all its forms; an empty value is ignored. */
  add(value: string): void {
    if (value === '' || this.originals.has(value)) return
    this.originals.add(value)
    this.forms.add(value)
    for (const encode of ENCODERS) {
      const encoded = encode(value)
      if (encoded !== '') this.forms.add(encoded)
    }
  }

  /** Adds a value and each of its lines, as `add-mask` and secret variables do. Returns what was added. */
  addWithLines(value: string): string[] {
    const values = [value, ...value.split(/[\r\n]/).map((line) => line.trim())].filter((line) => line !== '')
    for (const item of values) this.add(item)
    return [...new Set(values)]
  }

  mask(text: string): string {
    const ranges = this.find(text)
    let masked = ''
    let position = 0
    for (const { start, end } of ranges) {
      masked += `${text.slice(position, start)}***`
      position = end
    }
    return masked + text.slice(position)
  }

  /** Overlapping and touching finds become one range, hence one `***`. */
  private find(text: string): { start: number; end: number }[] {
    const found: { start: number; end: number }[] = []
    for (const form of this.forms) {
      for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + 1)) {
        found.push({ start, end: start + form.length })
      }
    }
    const merged: { start: number; end: number }[] = []
    for (const range of found.toSorted((a, b) => a.start - b.start)) {
      const last = merged.at(-1)
      if (last && range.start <= last.end) last.end = Math.max(last.end, range.end)
      else merged.push({ ...range })
    }
    return merged
  }
}
