import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { sshSettings } from './ssh-settings.ts'

test('ssh finds the guest by the options of the command, whatever is in their paths', () => {
  const id = '07f95a11-6788-2ae7-c30b-ba95cff1db38'
  const vmDir = '/srv/my "vms" 100%'
  const socket = "/run/it's two/vpcd.sock"
  const settings = sshSettings({ id, directory: `${vmDir}/${id}`, vmDir, socket, user: 'debian' })
  // What ssh itself understands.
  const seen = execFileSync('ssh', ['-F', 'none', '-G', ...settings, 'web1'], { encoding: 'utf8' })
  assert.match(seen, new RegExp(`^userknownhostsfile ${vmDir}/${id}/known_hosts$`, 'm'))
  assert.match(seen, /^user debian$/m)
  const [, proxy] = /^proxycommand (.*)$/m.exec(seen)!
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${proxy!.replaceAll('%%', '%')}`], { encoding: 'utf8' })
    .trim()
    .split('\n')
  assert.deepEqual(words.slice(-5), ['vm', 'connect', id, `--vm-dir=${vmDir}`, `--socket=${socket}`])
})
