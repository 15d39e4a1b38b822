// What a broker may end of, apart from what it is made of: who embeds one tells them apart.

/** Every log directory has failed: nothing can be served. A trouble of the machine, no bug. */
export class NoDirectoryLeft extends Error {
  override readonly name = 'NoDirectoryLeft'
}
