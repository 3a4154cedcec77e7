# The recipes are shortcuts; docs/HACKING.md says what is behind them.

# List the recipes.
default:
    @just --list

# Build the command to bin/.
build:
    CGO_ENABLED=0 go build -o bin/ ./cmd/workerd

# All tests.
test *args:
    go test ./... {{args}}

# The tests of the packages whose goroutines meet, with the race detector.
race:
    .ci/run race

# Formatting, vet on every system, staticcheck.
lint:
    .ci/run format vet staticcheck

# The benchmarks of one package, or of all: just bench ./cache
bench pkg="./...":
    go test -run '^$' -bench . -benchmem {{pkg}}

# Side by side with the workerd of npm; needs wrk and WORKERD_BIN.
compare *args:
    go run ./bench/compare {{args}}

# Kill the server, and then the store's process, 200 times under load and look for what is lost.
crash rounds="200":
    WORKERD_CRASH_ROUNDS={{rounds}} go test ./conformance/crash -run TestKilledServerKeepsItsWord -count=1 -timeout 60m -v
    WORKERD_BOLT_KILL_ROUNDS={{rounds}} go test ./storage/bolt -run TestKilledProcessLosesNothing -count=1 -timeout 60m -v

# Look for one order of all calls across kills, in 200 rounds, and see the check fail without gates.
linear rounds="200":
    WORKERD_LINEAR_ROUNDS={{rounds}} WORKERD_LINEAR_CONTROLS=1 go test ./conformance/linear -count=1 -timeout 60m -v

# Which listed behaviours have a test, and whether each of those tests sees its code broken.
coverage:
    go run ./conformance/coverage
    go run ./conformance/coverage --sample all

# Cut the power 200 times under load; needs /dev/fuse and the right to mount.
powerloss rounds="200":
    WORKERD_POWERLOSS_ROUNDS={{rounds}} go test ./conformance/powerloss -count=1 -timeout 60m -v

# What runs once a night: kills, power losses, and the fuzz targets.
nightly: crash linear powerloss (fuzz "5m")

# Every fuzz target for a while: just fuzz 1m
fuzz time="30s":
    #!/usr/bin/env bash
    set -euo pipefail
    grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
        grep -rhoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/^func //' | while read -r target; do
            echo "== $dir $target"
            go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime {{time}} < /dev/null
        done
    done

# What a build machine runs.
ci:
    .ci/run
