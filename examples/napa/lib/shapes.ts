// Classes whose objects travel between threads: each thread that reads one must have loaded this file.
import { transport } from 'napajs';

@transport.cid()
export class Rectangle extends transport.TransportableObject {
  constructor(public width = 0, public height = 0) {
    super();
  }

  area(): number {
    return this.width * this.height;
  }

  save(payload: any): void {
    payload.size = [this.width, this.height];
  }

  load(payload: any): void {
    [this.width, this.height] = payload.size;
  }
}

@transport.cid('examples.drawing')
export class Drawing extends transport.AutoTransportable {
  name = 'untitled';
  parts: Rectangle[] = [];
}
