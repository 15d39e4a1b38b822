// The one list of what is served. Versions, dispatch, ApiVersions and metrics follow from it.
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../protocol/messages/02-list-offsets.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { OffsetForLeaderEpoch } from '../protocol/messages/23-offset-for-leader-epoch.ts'
import { produce } from './00-produce.ts'
import { fetch } from './01-fetch.ts'
import { listOffsets } from './02-list-offsets.ts'
import { apiVersions } from './18-api-versions.ts'
import { offsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { serve, type ServedApi } from './context.ts'

export const apis: readonly ServedApi[] = [
  // Listed from 0 although 0 to 2 are gone, as Kafka does: librdkafka would otherwise send without
  // compression.
  serve(Produce, produce, { listedFrom: 0 }),
  serve(Fetch, fetch),
  serve(ListOffsets, listOffsets),
  serve(ApiVersions, apiVersions),
  serve(OffsetForLeaderEpoch, offsetForLeaderEpoch)
]
