/**
 * Pages whose lines the tests execute. A block of a page says where it runs: "```sh h1", or "```sh h1 fails". One with
 * "```sh h1 stays" goes on until the page ends, and is stopped as by Ctrl-C. "```sh deb1" runs on h1, too, where the
 * Debian package is installed. The block "```text" after it is the essence of what its lines print.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { textOf } from '../sources.ts'

const clouds = 'test/cli/pages.test.ts'
const packaged = 'test/package/long/two-hosts.ts'

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
  deb1: { test: packaged, pages: ['first-steps', 'upgrade', 'uninstall'] },
  deb2: { test: packaged, pages: ['two-machines', 'upgrade', 'uninstall'] },
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

/** The blocks of a page that run, in its order; `isPackaged`: where the Debian package is installed. */
export function stepsOf(page: string, text: string, isPackaged = false): Step[] {
  const steps: Step[] = []
  const word = isPackaged ? /^sh (?:h|deb)(\d)(?: (fails|stays))?$/ : /^sh h(\d)(?: (fails|stays))?$/
  let last = ''
  for (const { 1: info, 2: body, index } of text.matchAll(/^```(\w.*)\n([^]*?)^```$/gm)) {
    const [, number, how] = word.exec(info!) ?? []
    const line = text.slice(0, index).split('\n').length
    if (number !== undefined)
      steps.push({ page, line, at: `h${number}`, script: body!, fails: how === 'fails', stays: how === 'stays', shown: [] })
    else if (info === 'text' && word.test(last)) steps.push({ ...steps.pop()!, shown: body!.trimEnd().split('\n') })
    last = info!
  }
  return steps
}

/** How a script ended, and all that it printed. */
export interface Ended {
  readonly code: number | null
  readonly text: string
}

/** A block of commands that change nothing. */
const looks = /^(vpc \w+ (list|get)\b.*\n)+$/

/** Does what a page prints. It remembers the join token that was shown last, which a page calls TOKEN. */
export class PageReader {
  #token = ''

  /** Run a block, and look at what it shows. */
  async follow(step: Step, run: (script: string) => Ended): Promise<void> {
    const script = step.script.replaceAll('TOKEN', this.#token)
    let { code, text } = run(script)
    // What only looks at the cloud may look too early: a reader would look again.
    for (let i = 0; i < 120 && looks.test(step.script) && !isShown(step, text); i++) {
      await sleep(250)
      ;({ code, text } = run(script))
    }
    assert.equal(code !== 0, step.fails, `${step.page}, block of line ${step.line}: exit code ${code}\n${script}\n${text}`)
    this.#token = /vpcjoin1\.\S+/.exec(text)?.[0] ?? this.#token
    assertShown(step, text)
  }
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
