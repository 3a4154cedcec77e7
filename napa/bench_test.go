package napa

import (
	"fmt"
	"strconv"
	"testing"
)

// BenchmarkExecuteNothing is how many calls of an empty function a zone does, with a number of them
// waiting at a time. The same of a pool of node's threads is in bench/compare.
func BenchmarkExecuteNothing(b *testing.B) {
	for _, atOnce := range []int{1, 16, 256} {
		b.Run("at-once-"+strconv.Itoa(atOnce), func(b *testing.B) {
			k := newKit(b, nil)
			k.want(`napa.zone.create("z", { workers: 2 }); await napa.zone.get("z").broadcast("1"); return 1`, "1")
			b.ResetTimer()
			k.want(fmt.Sprintf(`
				const zone = napa.zone.get("z"), nothing = () => {};
				let left = %d;
				const lane = async () => { while (left-- > 0) await zone.execute(nothing); };
				await Promise.all(Array.from({ length: %d }, lane));
				return "done";`, b.N, atOnce), "done")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// BenchmarkMarshall is a value of some size there and back.
func BenchmarkMarshall(b *testing.B) {
	k := newKit(b, nil)
	b.ResetTimer()
	k.want(fmt.Sprintf(`
		const v = { list: Array.from({ length: 50 }, (_, i) => ({ id: i, name: "name " + i, tags: ["a", "b"] })) };
		for (let i = 0; i < %d; i++) napa.transport.unmarshall(napa.transport.marshall(v));
		return "done";`, b.N), "done")
}
