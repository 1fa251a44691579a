/** The page of who reaches whom in a vpc, in a cloud of a thousand vnics. */
import assert from 'node:assert/strict'
import type { ConsoleScene } from './browser.ts'

/** Each cell says what the API says; one is chosen by mouse, one by keys. */
export async function checkMatrix(scene: ConsoleScene): Promise<void> {
  const { page } = scene
  const { id } = await scene.ask('GET', '/vpcs/red')
  await scene.ask('POST', '/groups', { name: 'alone', account: 'shop', rules: [] })
  const v4 = await scene.ask('GET', '/vnics/v4')
  await scene.ask('PATCH', `/vnics/${v4.id}`, { groups: ['alone'] }, { 'if-match': '*' })
  await scene.go('#/', 'Overview')
  const drawn = await scene.drawMs(`#/vpcs/${id}/matrix`, '.matrix button')
  console.log(`# who reaches whom of 1000 vnics was drawn in ${drawn.toFixed(0)} ms`)
  await page.getByText(/^1000 vnics in 3 classes/).waitFor()
  const { cells } = await scene.ask('GET', `/path-check/matrix?vpc=${id}`)
  assert.equal(await page.locator('.matrix td button').count(), cells.length)
  // Each cell says what the API says.
  for (const { from, to, allowed, code } of cells) {
    const says = allowed === '' ? `nothing: ${code.replaceAll('-', ' ')}` : allowed
    assert.equal(await page.locator(`[data-at="${from},${to}"]`).getAttribute('aria-label'), `${from + 1} to ${to + 1}: ${says}`)
  }
  await scene.checkAccess('matrix')
  const open = cells.find(({ allowed }: { allowed: string }) => /tcp 80,443/.test(allowed))
  await page.locator(`[data-at="${open.from},${open.to}"]`).click()
  await page.getByRole('heading', { level: 2, name: `${open.from + 1} to ${open.to + 1}: tcp 80,443` }).waitFor()
  await page.locator('.hops li').nth(3).waitFor()
  await scene.checkAccess('matrix-cell')
  // Keys go from cell to cell.
  await page.locator('[data-at="0,0"]').focus()
  for (const key of ['ArrowDown', 'ArrowRight', 'Enter']) await page.keyboard.press(key)
  await page.getByRole('heading', { level: 2, name: /^2 to [23]: / }).waitFor()
  // What was chosen may be no cell of the next answer.
  await page.locator('[data-at="2,0"]').click()
  await page.getByRole('heading', { level: 2, name: /^3 to 1: / }).waitFor()
  await scene.ask('PATCH', `/vnics/${v4.id}`, { groups: ['app'] }, { 'if-match': '*' })
  await scene.ask('DELETE', '/groups/alone')
  await page.getByRole('button', { name: 'Ask again' }).click()
  await page.getByText(/^1000 vnics in 2 classes/).waitFor()
  assert.equal(await page.getByRole('heading', { level: 2, name: / to / }).count(), 0)
  await page.locator('[data-at="0,1"]').click()
  await page.getByRole('link', { name: 'Ask about another packet' }).click()
  await page.getByRole('heading', { level: 1, name: /Why/ }).waitFor()
}
