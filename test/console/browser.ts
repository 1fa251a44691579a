/** A real `vpc api` and a real browser that shows its console. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { startApi, type RunningApi } from '#control/api/server.ts'
import { countersPath, type HostCounters } from '#feed/counters.ts'
import { joinPath } from '#feed/join.ts'
import { feedVersion, reportPath, type AgentReport } from '#feed/message.ts'
import { askAgentPort, newKey, openFeed, pemOf } from '../control/agents/test-agents.ts'
import { noLimits } from '../control/test-api.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const violations = { resultTypes: ['violations'] }
/** What another scheme can change. */
const contrast = { ...violations, runOnly: ['color-contrast', 'link-in-text-block'] }
/** Rows of a table are alike, and so is what is around the pages: one page shows that. */
const alike = ['tbody tr:nth-child(n+8)', '.frame > nav', '.frame > header']
/** Where pictures of pages go, for somebody to look at. */
const pictures = process.env.VPC_CONSOLE_PICTURES

/** Start a browser. As root there is no other way than without its own sandbox. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })

/** The agent of a host. */
export interface JoinedHost {
  readonly say: (counters: HostCounters) => Promise<void>
  /** Its agent is connected until this is disposed. */
  readonly follow: () => Promise<Disposable>
  /** The host does all up to a revision. */
  readonly report: (revision: string) => Promise<void>
}

/** One API, one browser, one page. */
export class ConsoleScene implements AsyncDisposable {
  readonly api: RunningApi
  readonly token: string
  readonly page: Page
  /** What the browser complained about. */
  readonly complaints: string[] = []
  readonly #directory: string
  readonly #browser: Browser

  private constructor(directory: string, api: RunningApi, browser: Browser, page: Page) {
    this.#directory = directory
    this.api = api
    this.#browser = browser
    this.page = page
    this.token = readFileSync(join(directory, 'admin-token'), 'utf8').trim()
    page.setDefaultTimeout(20_000)
    page.on('pageerror', (error) => void this.complaints.push(String(error.stack)))
    page.on('console', (message) => {
      // The browser notes each answer of 400 and more by itself.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.complaints.push(message.text())
    })
  }

  static async start(): Promise<ConsoleScene> {
    const directory = mkdtempSync(join(tmpdir(), 'vpc-console-'))
    const log = { info: () => {}, error: (message: string, fields?: object) => console.error(message, fields) }
    const agents = { host: '127.0.0.1', port: 0, address: undefined }
    const api = await startApi({ stateDir: directory, host: '127.0.0.1', port: 0, log, limits: noLimits, agents })
    const browser = await openBrowser()
    return new ConsoleScene(directory, api, browser, await browser.newPage({ viewport: { width: 1280, height: 800 } }))
  }

  /** Ask the API as its first admin, beside the browser. It must work. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<any> {
    const response = await fetch(`${this.api.url}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** A machine joins as a host. Gives ways for its agent to say what vnics have counted, and what it has done. */
  async joinHost(name: string): Promise<JoinedHost> {
    const { token } = await this.ask('POST', `/hosts/${name}/token`)
    const at = { port: this.api.agentPort!, ca: readFileSync(join(this.#directory, 'ca/ca.crt'), 'utf8') }
    const key = newKey()
    const { body } = await askAgentPort(at, undefined, 'POST', joinPath, { token, publicKey: pemOf(key), underlay: null, agent: '0' })
    const tell = async (path: string, what: object): Promise<void> => {
      const answer = await askAgentPort(at, { key, certificate: body.certificate }, 'POST', path, what)
      assert.ok(answer.status < 300, JSON.stringify(answer.body))
    }
    const agent = { version: '0', feed: feedVersion }
    return {
      say: (counters) => tell(countersPath, counters),
      follow: () => openFeed(at, { key, certificate: body.certificate }, `?version=${feedVersion}&lookup=1&transit=1`),
      report: (revision) => tell(reportPath, { revision, errors: [], agent } satisfies AgentReport),
    }
  }

  /** Go to a page of the console by its address. */
  async go(hash: string, heading: string | RegExp): Promise<void> {
    await this.page.evaluate((to) => void (globalThis as any).location.assign(to), hash)
    await this.page.getByRole('heading', { level: 1, name: heading }).waitFor()
  }

  /** Ms from a click or a new address until the browser has drawn what a selector finds. */
  async drawMs(hash: string, selector: string): Promise<number> {
    return this.page.evaluate(
      async ([to, wanted]) => {
        const { document, location, requestAnimationFrame } = globalThis as any
        const frame = async (): Promise<void> => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
        const began = performance.now()
        location.assign(to)
        while (document.querySelector(wanted) === null && performance.now() - began < 20_000) await frame()
        await frame()
        return performance.now() - began
      },
      [hash, selector] as const,
    )
  }

  checkAccess(name: string): Promise<void> {
    return checkAccess(this.page, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    await this.api[Symbol.asyncDispose]()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Nothing on this page keeps people out, in dark and in light. */
export async function checkAccess(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    if (pictures !== undefined) {
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`) })
    }
    await page.evaluate(axeSource)
    const exclude = name === 'overview' || name === 'host-objects' ? alike.slice(0, 1) : alike
    const options = colorScheme === 'light' ? violations : contrast
    const result: any = await page.evaluate(
      (given) =>
        (globalThis as any).axe.run(
          { exclude: given.exclude.filter((each) => (globalThis as any).document.querySelector(each)) },
          given.options,
        ),
      {
        exclude,
        options,
      },
    )
    const found = result.violations.map(
      ({ id, nodes }: any) => `${id}: ${nodes.map((node: any) => `${node.html} ${node.failureSummary}`).join('\n')}`,
    )
    assert.deepEqual(found, [], `${name}, ${colorScheme}`)
  }
}
