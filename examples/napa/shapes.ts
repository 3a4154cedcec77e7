// Objects of classes that travel, and values that all threads share by name.
import * as napa from 'napajs';
import { Drawing, Rectangle } from './lib/shapes.ts';

const zone = napa.zone.create('drawing', { workers: 2 });
const store = napa.store.create('drawings');

async function main() {
  const house = new Drawing();
  house.name = 'house';
  house.parts = [new Rectangle(4, 3), new Rectangle(1, 2)];
  store.set('house', house);

  const result = await zone.execute(() => {
    // The functions of the classes are not in what travels: this loads them.
    const { Rectangle } = require('./lib/shapes.ts');
    const drawing = require('napajs').store.get('drawings').get('house');
    drawing.parts.push(new Rectangle(2, 2));
    return drawing;
  });
  const back = result.value as Drawing;
  console.log(back instanceof Drawing, back.name, back.parts.map((part) => part.area()));
  console.log((store.get('house') as Drawing).parts.length, Object.keys(JSON.parse(result.payload)));
  console.log(house.cid(), house.parts[0].cid().endsWith('lib/shapes.Rectangle'));

  const bytes = new Uint8Array(new SharedArrayBuffer(4));
  await Promise.all([0, 1, 2, 3].map((i) => zone.execute((bytes: Uint8Array, i: number) => { bytes[i] = i * i; }, [bytes, i])));
  console.log([...bytes]);
}

main();
