package main

import "context"

// storageBenches are the Go benchmarks of storage.
var storageBenches = []goBench{
	{pkg: "cache", pattern: "^Benchmark(PlainMapGet|PlainMapPut|PlainTreeWalk1000|GetCached|PutDirty|ListCached1000)$", benchtime: "20ms", promises: []promise{
		{name: "Cached get, beside a map's", bench: "GetCached", base: "PlainMapGet", target: target{atMost: 5}},
		{name: "its allocations", bench: "GetCached", unit: "allocs/op", target: target{atMost: 1}},
		{name: "Put of a dirty key, beside a map's", bench: "PutDirty", base: "PlainMapPut", target: target{atMost: 10}},
		{name: "its allocations", bench: "PutDirty", unit: "allocs/op"},
		{name: "List of 1,000 cached keys, beside a walk of a google/btree", bench: "ListCached1000", base: "PlainTreeWalk1000", target: target{atMost: 5}},
		{name: "its allocations", bench: "ListCached1000", unit: "allocs/op"},
	}},
	{pkg: "cache", pattern: "^BenchmarkCommitThousandActors$", benchtime: "10x", most: 5, promises: []promise{
		{name: "Transactions of 1,000 actors with a dirty key each", bench: "CommitThousandActors/AtOnce", unit: "transactions", target: target{atMost: 3}},
		{name: "the same, where each writes in a turn of its own", bench: "CommitThousandActors/ByTurns", unit: "transactions"},
	}},
	{pkg: "actor", pattern: "^BenchmarkLiveActor$", benchtime: "1x", most: 3, promises: []promise{
		{name: "Memory of a live idle actor", bench: "LiveActor/evictable", unit: "bytes/actor", shown: "KiB", scale: 1 << 10, target: target{atMost: 8}},
	}},
	{pkg: "actor", pattern: "^BenchmarkActivateAndEvict$", benchtime: "1x", most: 1, promises: []promise{
		{name: "Left by 100,000 activations and evictions", bench: "ActivateAndEvict", unit: "bytes-left", shown: "MiB", scale: 1 << 20, target: target{atMost: 1}},
	}},
	{pkg: "storage/bolt", pattern: "^BenchmarkActorsOnDisk$", benchtime: "300ms", most: 3, promises: []promise{
		{name: "Opening a file of %s actors", bench: "ActorsOnDisk/Open", unit: "s/open", shown: "s", target: target{atMost: 1}},
		{name: "Read in a file of %s actors, beside one of 1,000: the store alone", bench: "ActorsOnDisk/Read", base: "ActorsOnDisk/ReadOf1000"},
	}},
	{pkg: "actor", pattern: "^BenchmarkReadFromDisk$", benchtime: "300ms", most: 3, promises: []promise{
		{name: "the same by an actor that a request asks", bench: "ReadFromDisk/OfMany", base: "ReadFromDisk/Of1000", target: target{atMost: 2}},
	}},
}

// touchCase is the case that the storage section takes from the comparison.
const touchCase = "first-touch"

// runStorage runs the Go benchmarks, then the case that touches new actors.
func (b *bench) runStorage(ctx context.Context) (rows []promiseRow, err error) {
	if rows, err = b.runGoAll(ctx, storageBenches); err != nil {
		return nil, err
	}
	touched, err := b.run(ctx)
	if err != nil {
		return nil, err
	}
	if len(touched) == 0 || b.o.oursOnly {
		return rows, nil
	}
	rate := touched[0]
	r := promiseRow{name: rate.name + ", beside workerd's rate", unit: "ratio", target: rate.target}
	for i := range rate.ours {
		if rate.theirs[i] > 0 {
			r.values = append(r.values, rate.ours[i]/rate.theirs[i])
		}
	}
	return append(rows, r), nil
}
