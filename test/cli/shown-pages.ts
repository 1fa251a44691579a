/**
 * Pages whose lines the tests execute. A block of a page says where it runs: "```sh h1", or "```sh h1 fails". One with
 * "```sh h1 stays" goes on until the page ends, and is stopped as by Ctrl-C. The block "```text" after it is the
 * essence of what its lines print.
 */
import assert from 'node:assert/strict'
import { textOf } from '../sources.ts'

const clouds = 'test/cli/pages.test.ts'

const firstPages = ['two-machines', 'how-to', 'upgrade', 'backup', 'uninstall', 'hosts', 'cluster']
const hostPages = [
  'rights',
  'underlay',
  'firewall',
  'host-file',
  'recovery',
  'trace',
  'limits',
  'groups',
  'guest-services',
  'virtual-machines',
  'system-calls',
]

/** What the word after "```sh" means: which test executes these blocks, and of which pages, in their order. */
export const scenes: Readonly<Record<string, { readonly test: string; readonly pages: readonly string[] }>> = {
  h1: {
    test: clouds,
    pages: [...firstPages, 'first-steps', 'cloud', 'troubleshooting', 'why', 'agent', 'console', 'capture', 'metrics', 'flow-logs'],
  },
  h2: { test: clouds, pages: [...firstPages, ...hostPages] },
  api: { test: 'test/cli/cloud-networks.test.ts', pages: ['cloud-networks', 'guest-services'] },
  alone: { test: clouds, pages: ['README'] },
  router: { test: 'test/cli/routing.test.ts', pages: ['routing'] },
  nat: { test: 'test/cli/nat.test.ts', pages: ['nat'] },
  store: { test: clouds, pages: ['upgrade'] },
  lab: { test: 'test/vm/documentation.test.ts', pages: ['virtual-machines'] },
  runtimes: { test: 'test/integrations/shown.ts', pages: ['containers'] },
}

/** The file of a page. */
export const fileOf = (page: string): string => (page === 'README' ? 'README.md' : `docs/${page}.md`)

/** The bodies of the blocks of a page that are executed in a scene. */
export function blocksOf(page: string, scene: string): string[] {
  assert.ok(scenes[scene]?.pages.includes(page), `scenes of ${import.meta.filename} has no page ${page} at ${scene}`)
  const blocks = [...textOf(fileOf(page)).matchAll(new RegExp(`^\`\`\`sh ${scene}\n([^]*?)^\`\`\`$`, 'gm'))]
  assert.ok(blocks.length > 0, `${fileOf(page)} has no block at ${scene}`)
  return blocks.map(([, body]) => body!)
}

export interface Step {
  readonly page: string
  readonly line: number
  /** The machine. */
  readonly at: string
  readonly script: string
  readonly fails: boolean
  readonly stays: boolean
  /** Lines that the output has, in this order; `…` stands for anything. */
  readonly shown: readonly string[]
}

/** The blocks of a page that run, in its order. */
export function stepsOf(page: string, text: string): Step[] {
  const steps: Step[] = []
  let last = ''
  for (const { 1: info, 2: body, index } of text.matchAll(/^```(\w.*)\n([^]*?)^```$/gm)) {
    const [, at, how] = /^sh (h\d)(?: (fails|stays))?$/.exec(info!) ?? []
    const line = text.slice(0, index).split('\n').length
    if (at !== undefined) steps.push({ page, line, at, script: body!, fails: how === 'fails', stays: how === 'stays', shown: [] })
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
