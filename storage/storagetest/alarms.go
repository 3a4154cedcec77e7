package storagetest

import (
	"time"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// sameShard returns n actors of one shard.
func sameShard(n int) (list []actorid.ID) {
	for i := 0; len(list) < n; i++ {
		if a := Actor("ns", i); len(list) == 0 || a.Shard() == list[0].Shard() {
			list = append(list, a)
		}
	}
	return list
}

var alarmTests = []test{
	{"AlarmSetMoveClear", func(k *kit) {
		a := Actor("ns", 1)
		k.wantDue("none", k.alarm(a), storage.Due{})
		k.commit(setAlarm(a, at(5), "bob", 0))
		k.wantDue("set", k.alarm(a), storage.Due{Actor: a, Time: at(5), Name: "bob"})
		k.commit(setAlarm(a, at(3), "", 2))
		k.wantDue("moved, name kept", k.alarm(a), storage.Due{Actor: a, Time: at(3), Name: "bob", Retries: 2})
		k.commit(setAlarm(a, at(3), "alice", 0))
		want := storage.Due{Actor: a, Time: at(3), Name: "alice"}
		k.wantDue("renamed", k.alarm(a), want)
		if list := k.alarms(a.Shard(), 10); len(list) != 1 || !equalDue(list[0], want) {
			k.Fatalf("alarms: %v", list)
		}
		k.put(a, "k", "v") // AlarmKeep
		k.wantDue("kept", k.alarm(a), want)
		k.commit(storage.Write{Actor: a, DelAll: true})
		k.wantDue("kept by DelAll", k.alarm(a), want)
		k.commit(storage.Write{Actor: a, Alarm: storage.AlarmChange{Op: storage.AlarmClear}})
		k.wantDue("cleared", k.alarm(a), storage.Due{})
		k.commit(storage.Write{Actor: a, Alarm: storage.AlarmChange{Op: storage.AlarmClear}})
		if list := k.alarms(a.Shard(), 10); len(list) != 0 {
			k.Fatalf("alarms: %v", list)
		}
		k.commit(setAlarm(a, at(9), "", 0))
		k.wantDue("the name went with the alarm", k.alarm(a), storage.Due{Actor: a, Time: at(9)})
		k.check()
	}},
	{"AlarmClearIf", func(k *kit) {
		a := Actor("ns", 1)
		clearIf := func(t time.Time) {
			k.Helper()
			k.commit(storage.Write{Actor: a, Alarm: storage.AlarmChange{Op: storage.AlarmClearIf, Time: t}})
		}
		clearIf(at(1))
		k.commit(setAlarm(a, at(1), "n", 1))
		clearIf(at(2))
		clearIf(at(1).Add(time.Nanosecond))
		k.wantDue("another time", k.alarm(a), storage.Due{Actor: a, Time: at(1), Name: "n", Retries: 1})
		clearIf(at(1).In(time.FixedZone("elsewhere", 3600)))
		k.wantDue("its time", k.alarm(a), storage.Due{})
	}},
	{"AlarmCountIf", func(k *kit) {
		a := Actor("ns", 1)
		countIf := func(t time.Time, n int) {
			k.Helper()
			k.commit(storage.Write{Actor: a, Alarm: storage.AlarmChange{Op: storage.AlarmCountIf, Time: t, Retries: n}})
		}
		countIf(at(1), 1)
		k.wantDue("there is none", k.alarm(a), storage.Due{})
		k.commit(setAlarm(a, at(1), "n", 1))
		countIf(at(2), 5)
		k.wantDue("another time", k.alarm(a), storage.Due{Actor: a, Time: at(1), Name: "n", Retries: 1})
		countIf(at(1).In(time.FixedZone("elsewhere", 3600)), 2)
		want := storage.Due{Actor: a, Time: at(1), Name: "n", Retries: 2}
		k.wantDue("its time", k.alarm(a), want)
		if list := k.alarms(a.Shard(), 10); len(list) != 1 || !equalDue(list[0], want) {
			k.Fatalf("alarms: %v", list)
		}
		k.reopen()
		k.wantDue("after a restart", k.alarm(a), want)
		k.check()
	}},
	{"AlarmCommitsWithTheState", func(k *kit) {
		a := Actor("ns", 1)
		w := setAlarm(a, at(1), "", 0)
		w.Put = kvs("k", "v")
		k.commit(w)
		k.wantDue("alarm", k.alarm(a), storage.Due{Actor: a, Time: at(1)})
		k.wantKVs("state", k.scan(a, storage.Range{}), "k", "v")
	}},
	{"AlarmsAreSoonestFirstAndOfOneShard", func(k *kit) {
		ids := sameShard(5)
		other := Actor("ns", 0)
		for i := 1; other.Shard() == ids[0].Shard(); i++ {
			other = Actor("ns", i)
		}
		k.commit(setAlarm(other, at(-1000), "", 0))
		times := []time.Time{at(30), at(10), at(20), time.UnixMilli(8.64e15), time.UnixMilli(1)}
		for i, a := range ids {
			k.commit(setAlarm(a, times[i], "", i))
		}
		order := []int{4, 1, 2, 0, 3}
		for _, limit := range []int{0, 1, 3, 5, 10} {
			got := k.alarms(ids[0].Shard(), limit)
			n := min(limit, 5)
			if limit == 0 {
				n = 5
			}
			if len(got) != n {
				k.Fatalf("limit %d: %d alarms", limit, len(got))
			}
			for i, d := range got {
				k.wantDue("alarm", d, storage.Due{Actor: ids[order[i]], Time: times[order[i]], Retries: order[i]})
			}
		}
		if _, err := k.store.Alarms(k.ctx, k.token(ids[0]), -1); err == nil {
			k.Error("a negative limit was taken")
		}
		// Moving one changes its place, not the number of alarms.
		k.commit(setAlarm(ids[3], at(11), "", 7))
		if got := k.alarms(ids[0].Shard(), 0); len(got) != 5 || got[2].Actor != ids[3] || got[2].Retries != 7 {
			k.Fatalf("after a move: %v", got)
		}
		k.check()
	}},
	{"AlarmsAtTheSameTime", func(k *kit) {
		ids := sameShard(3)
		for _, a := range ids {
			k.commit(setAlarm(a, at(1), "", 0))
		}
		if got := k.alarms(ids[0].Shard(), 0); len(got) != 3 {
			k.Fatalf("%d alarms of 3", len(got))
		}
	}},
	{"AlarmsLast", func(k *kit) {
		a := Actor("ns", 1)
		when := at(1).Add(123 * time.Nanosecond)
		k.commit(setAlarm(a, when, "name", 3))
		k.reopen()
		want := storage.Due{Actor: a, Time: when, Name: "name", Retries: 3}
		k.wantDue("alarm", k.alarm(a), want)
		if got := k.alarms(a.Shard(), 0); len(got) != 1 || !equalDue(got[0], want) {
			k.Fatalf("alarms: %v", got)
		}
	}},
}
