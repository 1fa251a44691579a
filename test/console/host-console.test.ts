/** `vpc console`: one host in a real browser, on a real vpcd, with packets that it drops. Needs root. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { PrivateVpcd } from '../cli/private-vpcd.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import { checkAccess, openBrowser } from './browser.ts'

const sw = 'da64c3f3-095d-91e5-df01-5aabcfc52468'
const port = 'fd436f9c-1f77-11e8-8002-0cc47a6c7d1e'
const hostif = '1f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c3'

let vpcd: PrivateVpcd
let browser: Browser
let page: Page
let url: string
const complaints: string[] = []
let stop = async (): Promise<void> => {}

before(async () => {
  vpcd = await PrivateVpcd.start()
  vpcd.ok('switch', 'create', '--switch-id', sw, '--vni', '5001')
  vpcd.ok('switch', 'port', 'add', '--switch-id', sw, '--port-id', port)
  vpcd.ok('hostif', 'create', '--hostif-id', hostif)
  vpcd.ok('switch', 'port', 'connect', '--port-id', port, '--interface-id', hostif)
  for (const line of ['link set hostif0 up', 'address add 10.0.0.1/24 dev hostif0'])
    assert.equal(spawnSync('ip', ['-n', vpcd.netns, ...line.split(' ')]).status, 0, line)
  const child = spawn(vpcPath, ['console', '--json'], { env: { ...process.env, ...vpcd.env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  stop = async () => {
    child.kill()
    await exited
  }
  const [line] = await Array.fromAsync(child.stdout.setEncoding('utf8').take(1))
  url = (JSON.parse(String(line)) as { url: string }).url
  browser = await openBrowser()
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(20_000)
  page.on('pageerror', (error) => void complaints.push(String(error.stack)))
})

after(async () => {
  await browser?.close()
  await stop()
  await vpcd[Symbol.asyncDispose]()
})

const status = async (path: string, init: RequestInit = {}): Promise<number> =>
  (await fetch(new URL(path, url), { redirect: 'manual', ...init })).status

test('who has not the address gets nothing, and the address is good once', async () => {
  assert.equal(await status('/host/look'), 401)
  assert.equal(await status('/?token=guess'), 403)
  assert.equal(await status('/host/look', { headers: { cookie: `vpc-host-${new URL(url).port}=guess` } }), 401)
  assert.equal(await status('/host/look', { method: 'POST' }), 405)
  await page.goto(url)
  await page.getByRole('heading', { name: 'Objects' }).waitFor()
  assert.equal(await page.evaluate('location.search + document.cookie'), '')
  assert.equal(await status(url), 403)
})

test('the process that speaks HTTP has no privilege, and no way to vpcd', async () => {
  const listeners = execFileSync('ss', ['-Hltnp', `sport = :${new URL(url).port}`], { encoding: 'utf8' })
  const pid = /pid=(\d+)/.exec(listeners)![1]!
  const state = readFileSync(`/proc/${pid}/status`, 'utf8')
  assert.match(state, /^Uid:\t1899990003\t1899990003\t1899990003\t1899990003$/m)
  assert.match(state, /^CapEff:\t0+$/m)
  assert.match(state, /^Groups:\t\s*$/m)
  assert.doesNotMatch(
    execFileSync('ss', ['-Hxp'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`pid=${pid},`))
      .join('\n'),
    /vpcd/,
  )
})

test('objects, and all of one', async () => {
  await page.getByRole('link', { name: 'vpcp0' }).waitFor()
  await checkAccess(page, 'host-objects')
  await page.keyboard.press('/')
  await page.keyboard.type('hostif')
  await page.getByRole('link', { name: 'hostif0', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'hostif0' }).waitFor()
  await checkAccess(page, 'host-object')
})

test('a dropped packet appears by itself, and is counted', async () => {
  await page.getByRole('link', { name: 'Drops' }).click()
  await page.getByRole('heading', { level: 1, name: 'Drops' }).waitFor()
  const seen = page.getByText('ARP who-has 10.0.0.99').first()
  for (let i = 0; i < 20 && !(await seen.isVisible()); i++)
    spawnSync('nsenter', [`--net=/run/netns/${vpcd.netns}`, 'ping', '-c', '1', '-W', '1', '10.0.0.99'])
  await seen.waitFor()
  await checkAccess(page, 'host-drops')
  await page.getByRole('link', { name: 'Counters' }).click()
  await page.getByRole('cell', { name: /no_neighbour [1-9]/ }).waitFor()
  await page.getByRole('button', { name: 'Show charts of vpcp0' }).click()
  await page.getByRole('img', { name: /bytes: from guests/ }).waitFor()
  await checkAccess(page, 'host-counters')
})

test('the documentation is there: pages, links, a search, and what a drop reason means', async () => {
  await page.getByRole('link', { name: 'Drops' }).click()
  await page.getByRole('link', { name: 'no_neighbour' }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Drop reasons' }).waitFor()
  await page.locator('tr.here', { hasText: 'no_neighbour' }).waitFor()
  await checkAccess(page, 'doc-drop-reasons')
  await page.getByRole('navigation').getByRole('link', { name: 'Documentation' }).click()
  await page.getByRole('heading', { level: 1, name: 'vpc: the pages' }).waitFor()
  await page.getByRole('article').getByRole('link', { name: 'One machine' }).click()
  await page.getByRole('heading', { level: 1, name: 'First steps on one machine' }).waitFor()
  await checkAccess(page, 'doc-page')
  await page.keyboard.press('/')
  await page.keyboard.type('floating address')
  await page.getByRole('region', { name: 'Results' }).getByRole('link').first().waitFor()
  await checkAccess(page, 'doc-search')
  await page.getByLabel('Search the documentation').fill('xyzzy')
  await page.getByText('nothing found').waitFor()
})

test('the programs say what would become of a packet', async () => {
  await page.getByRole('link', { name: 'Trace' }).click()
  await page.getByLabel('to', { exact: true }).fill('10.0.0.99')
  await page.getByLabel('from', { exact: true }).fill('10.0.0.1')
  await page.getByRole('button', { name: 'Trace' }).click()
  await page.getByRole('heading', { level: 2 }).waitFor()
  await page.locator('.hops li').first().waitFor()
  await checkAccess(page, 'host-trace')
  // It advises to name a MAC, and there is a field for it.
  await page
    .getByText(/does not answer for 10\.0\.0\.99; .* name the MAC/)
    .first()
    .waitFor()
  await page.getByLabel('MAC', { exact: true }).fill('02:00:00:00:00:99')
  await page.getByRole('button', { name: 'Trace' }).click()
  await page.getByText(/> 02:00:00:00:00:99 IPv4 10\.0\.0\.1 > 10\.0\.0\.99 /).waitFor()
  await page.getByLabel('MAC', { exact: true }).fill('')
  await page.getByLabel('to', { exact: true }).fill('nonsense')
  await page.getByRole('button', { name: 'Trace' }).click()
  await page.getByRole('alert').getByText('nonsense').waitFor()
  assert.deepEqual(complaints, [])
})

test('it ends when it is told to, and the process that speaks HTTP with it', async () => {
  await stop()
  await assert.rejects(fetch(new URL('/host/look', url)))
})
