// Kafka's own Java console tools, producer and consumer against a real broker. They are fetched with Maven
// when it is at hand; without Java or Maven the suite says that it was skipped.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrokerProcess, temporaryFolder, type BrokerProcess } from './broker.testing.ts'

const toolsVersion = '4.3.1'
const atHand = spawnSync('java', ['-version']).status === 0 && spawnSync('mvn', ['-v']).status === 0
const jars = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace-interop', toolsVersion)

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>test</groupId><artifactId>interop</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${toolsVersion}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>`

const roundTrip = `
import java.time.Duration; import java.util.*; import org.apache.kafka.clients.consumer.*; import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition; import org.apache.kafka.common.serialization.*;
public class RoundTrip {
  public static void main(String[] args) throws Exception {
    String servers = args[0], topic = args[1], codec = args[2]; int count = Integer.parseInt(args[3]);
    Map<String, Object> p = new HashMap<>(Map.of("bootstrap.servers", servers, "compression.type", codec, "acks", "all",
      "enable.idempotence", "true", "linger.ms", "5"));
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer())) {
      List<java.util.concurrent.Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < count; i++) sent.add(producer.send(new ProducerRecord<>(topic, "k" + (i % 10), "v" + i)));
      for (var f : sent) f.get();
    }
    Map<String, Object> c = Map.of("bootstrap.servers", servers, "group.id", topic + "-group", "auto.offset.reset", "earliest",
      "check.crcs", "true", "group.protocol", "classic");
    Map<String, Integer> last = new HashMap<>(); int seen = 0;
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(c, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      while (seen < count) for (var r : consumer.poll(Duration.ofSeconds(1))) {
        int n = Integer.parseInt(r.value().substring(1));
        if (last.getOrDefault(r.key(), -1) >= n) throw new IllegalStateException("out of order: " + r);
        last.put(r.key(), n); seen++;
      }
      consumer.commitSync();
      Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
      System.out.println("seen " + seen + " end " + ends.values().stream().mapToLong(Long::longValue).sum());
    }
  }
}`

describe.skipIf(!atHand)("Kafka's Java tools and clients", () => {
  let broker: BrokerProcess
  let folder: string

  beforeAll(async () => {
    folder = temporaryFolder('java')
    if (!existsSync(join(jars, '.done'))) {
      mkdirSync(jars, { recursive: true })
      writeFileSync(join(folder, 'pom.xml'), pom)
      const fetched = spawnSync(
        'mvn',
        ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`],
        { cwd: folder, encoding: 'utf8' }
      )
      if (fetched.status !== 0) {
        throw new Error(`Maven could not fetch the tools: ${fetched.stdout}${fetched.stderr}`)
      }
      writeFileSync(join(jars, '.done'), '')
    }
    broker = await startBrokerProcess()
  })
  afterAll(() => broker?.dispose())

  async function java (args: string[], input = ''): Promise<{ code: number; out: string; errors: string }> {
    const child = spawn('java', ['-Xmx256M', '-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, ...args])
    const out: string[] = []
    const errors: string[] = []
    child.stdout.on('data', chunk => out.push(String(chunk)))
    child.stderr.on('data', chunk => errors.push(String(chunk)))
    child.stdin.end(input)
    const [code] = await once(child, 'close')
    return { code, out: out.join(''), errors: errors.join('') }
  }
  const tool = (name: string, args: string[], input = '') =>
    java([`org.apache.kafka.tools.${name}`, '--bootstrap-server', broker.bootstrapServers, ...args], input)

  it('kafka-topics creates, describes, alters, lists and deletes', async () => {
    expect(
      (
        await tool('TopicCommand', [
          '--create',
          '--topic',
          'made',
          '--partitions',
          '3',
          '--config',
          'retention.ms=60000'
        ])
      ).out
    ).toContain('Created topic made.')
    expect((await tool('TopicCommand', ['--alter', '--topic', 'made', '--partitions', '5'])).code).toBe(0)
    const described = (await tool('TopicCommand', ['--describe', '--topic', 'made'])).out
    expect(described).toMatch(
      /Topic: made\tTopicId: \S{22}\tPartitionCount: 5\tReplicationFactor: 1\tConfigs: .*retention\.ms=60000/
    )
    expect((await tool('TopicCommand', ['--delete', '--topic', 'made'])).code).toBe(0)
    expect((await tool('TopicCommand', ['--list'])).out).not.toContain('made')
  })

  it('kafka-console-producer and kafka-console-consumer pass lines through, with and without a group', async () => {
    const lines = Array.from({ length: 200 }, (_, n) => `key${n}:line ${n}`).join('\n') + '\n'
    const produced = await tool(
      'ConsoleProducer',
      ['--topic', 'console', '--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:'],
      lines
    )
    expect(produced).toMatchObject({ code: 0 })
    const consumer = 'consumer.ConsoleConsumer'
    const plain = await tool(consumer, [
      '--topic',
      'console',
      '--from-beginning',
      '--max-messages',
      '200',
      '--formatter-property',
      'print.key=true',
      '--formatter-property',
      'key.separator=:'
    ])
    expect(plain.out).toBe(lines)
    const grouped = await tool(consumer, [
      '--topic',
      'console',
      '--group',
      'console-group',
      '--from-beginning',
      '--max-messages',
      '200'
    ])
    expect(grouped.out.trimEnd().split('\n')).toHaveLength(200)
    const groups = await tool('consumer.group.ConsumerGroupCommand', [
      '--describe',
      '--group',
      'console-group'
    ])
    expect(groups.out).toMatch(/console-group\s+console\s+0\s+200\s+200\s+0/)
  })

  it('kafka-producer-perf-test sends all its records', async () => {
    const ran = await tool('ProducerPerformance', [
      '--topic',
      'perf',
      '--num-records',
      '100000',
      '--record-size',
      '100',
      '--throughput',
      '-1'
    ])
    expect(ran.out).toContain('100000 records sent')
    const offsets = await tool('GetOffsetShell', ['--topic', 'perf'])
    expect(offsets.out.trim()).toBe('perf:0:100000')
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'KafkaProducer and KafkaConsumer keep order and count with %s',
    async codec => {
      const source = join(folder, 'RoundTrip.java')
      writeFileSync(source, roundTrip)
      const ran = await java([source, broker.bootstrapServers, `java-${codec}`, codec, '5000'])
      expect(ran.errors + ran.out).toContain('seen 5000 end 5000')
    }
  )
})
