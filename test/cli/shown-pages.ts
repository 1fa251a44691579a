/**
 * Pages whose lines the tests execute. A block of a page says where it runs: "```sh h1", or "```sh h1 fails". The block
 * "```text" after it is the essence of what its lines print.
 */
import assert from 'node:assert/strict'

export interface Step {
  readonly page: string
  readonly line: number
  /** The machine. */
  readonly at: string
  readonly script: string
  readonly fails: boolean
  /** Lines that the output has, in this order; `…` stands for anything. */
  readonly shown: readonly string[]
}

/** The blocks of a page that run, in its order. */
export function stepsOf(page: string, text: string): Step[] {
  const steps: Step[] = []
  let last = ''
  for (const { 1: info, 2: body, index } of text.matchAll(/^```(\w.*)\n([^]*?)^```$/gm)) {
    const [, at, fails] = /^sh (h\d)( fails)?$/.exec(info!) ?? []
    const line = text.slice(0, index).split('\n').length
    if (at !== undefined) steps.push({ page, line, at, script: body!, fails: fails !== undefined, shown: [] })
    else if (info === 'text' && last.startsWith('sh h')) steps.push({ ...steps.pop()!, shown: body!.trimEnd().split('\n') })
    last = info!
  }
  return steps
}

/** Whether an output has the lines that a page shows. */
export function isShown(step: Step, output: string): boolean {
  try {
    assertShown(step, output)
    return true
  } catch {
    return false
  }
}

/** Hold that an output has the lines that a page shows. */
export function assertShown({ page, line, shown }: Step, output: string): void {
  let rest = output
  for (const each of shown) {
    const words = each.trim().split(/\s+/)
    const pattern = words.map((word) => RegExp.escape(word).replaceAll('…', '.*?')).join('[ \\t]+')
    const found = new RegExp(`(^|[ \\t]|: |, )${pattern.replaceAll('[ \\t]+.*?[ \\t]+', '[ \\t].*?[ \\t]*')}`, 'm').exec(rest)
    assert.ok(found, `${page}, block of line ${line}: '${each}' is not in what is left of the output:\n${rest}\n\nof\n${output}`)
    rest = rest.slice(found.index + found[0].length)
  }
}
