/** Who is at the other end of a client's connection: the kernel's word, for the daemon, which does not call the kernel itself. */
export { peerCredentialsOf, type PeerCredentials } from '#kernel/peercred.ts'
