import type { Layout } from './records.js';
import type { Position } from './row-cutter.js';
import type { SourceIdentity } from './stored-bytes.js';

/** Where to go on in a source, and by what to know that it is still the same. */
export interface SourceCursor {
  /** What the source was when it was first read. */
  identity: SourceIdentity;
  /** Keyed digest of what `Source.ends` gave then. */
  endsDigest: string;
  /** Of a compressed source `position` counts bytes that `identity.size` does not. */
  isCompressed: boolean;
  layout: Layout;
  position: Position;
}
