/** Files that keep the system's network managers away from vpcd's devices: their names, addresses and MACs. */
import { unitTypes } from './object-type.ts'

/** Names of devices that vpcd makes, as patterns. */
export const devicePatterns = [...unitTypes, 'vpcroom', 'vpcsvc'].map((name) => `${name}[0-9]*`)

/** Each manager's file, by its path below /usr/lib or /etc. A file with these words, of any name, does as well. */
export const networkFiles = {
  network: {
    path: 'systemd/network/05-vpc.network',
    text: `[Match]\nName=${devicePatterns.join(' ')}\n\n[Link]\nUnmanaged=yes\n`,
    words: ['hostif[0-9]*', 'Unmanaged=yes'],
  },
  link: {
    path: 'systemd/network/05-vpc.link',
    text: `[Match]\nOriginalName=${devicePatterns.join(' ')}\n\n[Link]\nNamePolicy=\nMACAddressPolicy=none\n`,
    words: ['hostif[0-9]*', 'MACAddressPolicy=none'],
  },
  networkManager: {
    path: 'NetworkManager/conf.d/05-vpc.conf',
    text: `[keyfile]\nunmanaged-devices+=${devicePatterns.map((pattern) => `interface-name:${pattern}`).join(';')}\n`,
    words: ['interface-name:hostif[0-9]*'],
  },
} as const
