// Threads that take turns: a lock, a metric and the log.
import * as napa from 'napajs';

const zone = napa.zone.create('counters', { workers: 3 });
const lock = napa.sync.createLock();
const store = napa.store.create('count');
store.set('n', 0);

const count = (lock, times) => {
  const napa = require('napajs');
  const store = napa.store.get('count');
  const counted = napa.metric.get('example', 'counted', napa.metric.MetricType.Number, ['parity']);
  for (let i = 0; i < times; i++) {
    lock.guardSync(() => {
      store.set('n', store.get('n') + 1);
    });
    counted.increment([i % 2 ? 'odd' : 'even']);
  }
};

await Promise.all(Array.from({ length: 6 }, () => zone.execute(count, [lock, 50])));
console.log('counted to', store.get('n'));
for (const { section, name, series } of napa.metric.snapshot()) {
  for (const { dimensions, value } of series) console.log(section, name, dimensions.join(), value);
}
napa.log('example', 'done');
