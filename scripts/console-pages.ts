/** The pages of docs/ as the console shows them: HTML, with links between pages as the console's addresses. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { Marked, type Tokens } from 'marked'
import type { DocPage } from '../console/doc-page.ts'

/** Where all begins. */
const first = 'index'

/** All pages below a folder, `index` first. */
export function consolePages(folder: string): DocPage[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  const pages = names.map((name) => pageOf(name.slice(0, -'.md'.length), readFileSync(join(folder, name), 'utf8')))
  return pages.toSorted((a, b) => Number(b.name === first) - Number(a.name === first) || a.title.localeCompare(b.title))
}

/** One page, from its name and its Markdown. */
export function pageOf(name: string, markdown: string): DocPage {
  const headings: { id: string; text: string; level: number }[] = []
  const ids = new Set<string>()
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const text = this.parser.parseInline(tokens, this.parser.textRenderer)
        const id = numbered(anchorOf(plain(text)), ids)
        headings.push({ id, text: plain(text), level: depth })
        return `<h${depth} id="doc-${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`
      },
      link({ href, tokens }) {
        return linkOf(name, href, this.parser.parseInline(tokens))
      },
      image: ({ href, text }) => `<img src="${escape(posix.basename(href))}" alt="${escape(text)}">`,
      code: ({ text }) => `<pre tabindex="0"><code>${escape(text)}</code></pre>\n`,
      table(token) {
        return `<div class="scroll" tabindex="0">${tableOf(token, ids, (cell) => this.parser.parseInline(cell.tokens))}</div>\n`
      },
      // Remarks for those who write pages.
      html: () => '',
    },
  })
  const html = marked.parse(markdown, { async: false })
  return { name, title: headings[0]?.text ?? name, headings: headings.slice(1), html }
}

/** A row that begins with a word of code can be linked to by that word. */
function tableOf({ header, rows }: Tokens.Table, seen: Set<string>, inline: (cell: Tokens.TableCell) => string): string {
  const row = (cells: readonly Tokens.TableCell[]): string => {
    const [, word] = /^`([\w-]+)`$/.exec(cells[0]?.text ?? '') ?? []
    const isNew = word !== undefined && !seen.has(word)
    if (isNew) seen.add(word)
    return `<tr${isNew ? ` id="doc-${word}"` : ''}>${cells.map((cell) => `<td>${inline(cell)}</td>`).join('')}</tr>\n`
  }
  const titles = header.map((cell) => (cell.text === '' ? '<td></td>' : `<th scope="col">${inline(cell)}</th>`)).join('')
  return `<table><thead><tr>${titles}</tr></thead><tbody>${rows.map(row).join('')}</tbody></table>`
}

/** Pages link to pages. What is elsewhere in the repository is named, and no link: the console does not have it. */
function linkOf(from: string, href: string, text: string): string {
  if (/^https?:/.test(href)) return `<a href="${escape(href)}" rel="noreferrer" target="_blank">${text}</a>`
  const [path = '', anchor] = href.split('#')
  const target = path === '' ? from : posix.join(posix.dirname(from), path).replace(/\.md$/, '')
  const isPage = path === '' || (path.endsWith('.md') && !target.startsWith('..'))
  if (!isPage) return text
  const at = anchor === undefined ? '' : `?at=${encodeURIComponent(anchor)}`
  return `<a href="#/docs/${target.split('/').map(encodeURIComponent).join('/')}${at}">${text}</a>`
}

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

/** The second heading of a text is another. */
function numbered(id: string, seen: Set<string>): string {
  let free = id
  for (let i = 1; seen.has(free); i++) free = `${id}-${i}`
  seen.add(free)
  return free
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const plain = (html: string): string => html.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name]!)
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
