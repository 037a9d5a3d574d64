import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Marked } from 'marked'

export type Theme = 'light' | 'dark'

/** What GitHub lets through of a summary (github.com/gjtorikian/html-pipeline, its sanitisation filter), as far as we write it. */
const ALLOWED = {
  allowedTags: 'h1 h2 h3 h4 p a code pre ul ol li table thead tbody tr th td details summary strong em br'.split(' '),
  allowedAttributes: { a: ['href'], pre: ['class'], code: ['class'], details: ['open'] },
}

const MARKED = new Marked({
  gfm: true,
  renderer: {
    code({ text, lang }) {
      const escaped = text.replace(/[&<>]/g, (one) => `&#${String(one.codePointAt(0))};`)
      return lang === 'mermaid' ? `<pre class="mermaid">${escaped}</pre>\n` : `<pre><code>${escaped}</code></pre>\n`
    },
  },
})

/**
 * A page that shows the Markdown as GitHub's summary page does: its rules, its style and width. `parts` is where the packages are
 * that only this needs. Everything folded is open.
 */
export async function page(markdown: string, theme: Theme, parts: string): Promise<string> {
  const read = (name: string): string => readFileSync(path.join(parts, 'node_modules', name), 'utf8')
  const sanitise: unknown = createRequire(path.join(parts, 'package.json'))('sanitize-html')
  if (typeof sanitise !== 'function') throw new Error('sanitize-html is not what it was')
  const html = String(sanitise(await MARKED.parse(markdown), ALLOWED)).replaceAll('<details>', '<details open>')
  const background = theme === 'dark' ? '#0d1117' : '#ffffff'
  const options = JSON.stringify({
    startOnLoad: false,
    securityLevel: 'strict',
    theme: theme === 'dark' ? 'dark' : 'default',
  })
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<style>${read(`github-markdown-css/github-markdown-${theme}.css`)}</style>
<style>body { margin: 0; padding: 24px; background: ${background}; width: 1012px; box-sizing: border-box }</style>
</head><body><article class="markdown-body">${html}</article>
<script>${read('mermaid/dist/mermaid.min.js').replaceAll('</script', String.raw`<\/script`)}</script>
<script>
mermaid.initialize(${options})
mermaid.run().then(() => { document.body.dataset.height = String(document.documentElement.scrollHeight) })
</script></body></html>
`
}
