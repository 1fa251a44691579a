/**
 * Two hosts on a kernel that is not this machine's, the oldest that vpcd takes; `npm run test:kernels` is the long
 * form.
 */
import { test } from 'node:test'
import { exchangeEverything } from '../kernels/exchange.ts'
import { kernelFor, oldest } from '../kernels/packages.ts'
import { bringUpPair } from '../kernels/pair.ts'

test('two hosts on the oldest kernel exchange pings, TCP and UDP', { timeout: 500_000 }, async () => {
  const kernel = kernelFor(oldest)
  await using pair = await bringUpPair({ hosts: [{ kernel }, { kernel }] })
  await exchangeEverything(pair, { megabytes: 3 })
  // vpcd loads what it attaches: that kernel's verifier must take the other programs, too.
  await pair.hosts[0].machine.must('node --test src/datapath/verified.test.ts </dev/null', 300_000)
})
