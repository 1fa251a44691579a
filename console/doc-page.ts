/** A page of the documentation, as the build makes it for the console, and how pages are found by words. */

export interface DocPage {
  /** `cloud`, or `commands/vm` */
  readonly name: string
  readonly title: string
  readonly headings: readonly { readonly id: string; readonly text: string; readonly level: number }[]
  readonly html: string
}

/** A page or a heading that has all words. */
export interface Found {
  readonly page: DocPage
  readonly heading: DocPage['headings'][number] | undefined
}

const mostFound = 60

/** Where all words are: in titles first, then in headings, then in what pages say. */
export function findIn(pages: readonly DocPage[], typed: string): Found[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const hasAll = (text: string): boolean => words.every((word) => text.toLowerCase().includes(word))
  const titles = pages.filter(({ title }) => hasAll(title))
  const headings = pages.flatMap((page) =>
    page.headings.filter(({ text }) => hasAll(`${page.title} ${text}`) && !titles.includes(page)).map((heading) => ({ page, heading })),
  )
  const known = new Set([...titles, ...headings.map(({ page }) => page)])
  const texts = pages.filter((page) => !known.has(page) && hasAll(page.html.replaceAll(/<[^>]*>/g, '')))
  const whole = (page: DocPage): Found => ({ page, heading: undefined })
  return [...titles.map(whole), ...headings, ...texts.map(whole)].slice(0, mostFound)
}
