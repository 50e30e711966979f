#!/usr/bin/env bash
# One Apache Kafka broker in KRaft mode, for trying Wanglou over Kafka without Docker, and for its tests.
#
#   broker.sh fetch               fetch the broker's jars (Maven), once
#   broker.sh start DIR [PORT]    start a broker that keeps its data in DIR; wait until it takes requests
#   broker.sh stop DIR            stop it
#   broker.sh run DIR [PORT]      start it, and stop it when standard input ends: whoever holds the pipe cannot leave it behind;
#                                 a DIR that was made for it goes with it
#
# It listens on 127.0.0.1:PORT (9092) and, for its controller, on the port after it. It needs Java 17 or later and Maven.
# One broker has one copy of everything: that is for trying, not for a watch.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
jars="$here/target/jars"
patience=60 # seconds until a start counts as failed

fail() {
    echo "broker.sh: $*" >&2
    exit 1
}

fetch() {
    mkdir -p "$here/target"
    # The mark is written last, so that a fetch that was cut off begins again; the lock, for tests that start at once.
    exec 9>"$here/target/lock"
    flock 9
    if ! cmp -s "$here/pom.xml" "$jars/pom.xml"; then
        command -v mvn >/dev/null || fail "mvn is missing: install Maven (Debian: maven)"
        rm -rf "$jars"
        mvn --batch-mode --quiet --file "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars" >&2 ||
            fail "Maven could not fetch the broker's jars: see above"
        cp "$here/pom.xml" "$jars/pom.xml"
    fi
    exec 9>&-
}

# Replaces the shell that calls it: its process id is the broker's.
become() {
    mkdir -p "$dir/tmp"
    # What a killed broker leaves behind stays in its folder.
    exec java ${KAFKA_HEAP_OPTS:--Xms256m -Xmx1g} -Djava.io.tmpdir="$dir/tmp" -Dkafka.logs.dir="$dir" \
        -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$jars/*" "$@"
}

configure() {
    cat >"$dir/server.properties" <<CONFIG
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:$((port + 1))
log.dirs=$dir/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A broker that was killed is not waited for.
broker.session.timeout.ms=3000
${KAFKA_PROPERTIES:-}
CONFIG
}

# One that was killed and that nobody has waited for yet is a zombie: it runs no more.
alive() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ "${stat##*) }" != Z* ]]
}

running() {
    [ -s "$dir/pid" ] && alive "$(cat "$dir/pid")"
}

start() {
    running && fail "a broker runs in $dir already (process $(cat "$dir/pid"))"
    command -v java >/dev/null || fail "java is missing: install Java 17 or later (Debian: openjdk-17-jre-headless)"
    fetch
    configure
    if [ ! -e "$dir/data/meta.properties" ]; then
        id=k$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | head -c 21)
        (become kafka.tools.StorageTool format --standalone --cluster-id "$id" --config "$dir/server.properties") \
            >"$dir/format.log" 2>&1 || fail "the storage could not be formatted: see $dir/format.log"
    fi
    : >"$dir/server.log"
    become kafka.Kafka "$dir/server.properties" >"$dir/out.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    for ((tenths = 0; tenths < patience * 10; tenths++)); do
        grep -q 'Kafka Server started' "$dir/server.log" && return
        running || fail "the broker ended while it started: see $dir/server.log and $dir/out.log"
        sleep 0.1
    done
    stop
    fail "the broker did not start within $patience seconds: see $dir/server.log"
}

stop() {
    if running; then
        pid=$(cat "$dir/pid")
        kill "$pid" 2>/dev/null || true
        for ((tenths = 0; tenths < 100; tenths++)); do
            alive "$pid" || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$dir/pid"
}

command=${1:-}
if [ "$command" != fetch ]; then
    [ $# -ge 2 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
    [ -e "$2" ] || made=yes
    mkdir -p "$2"
    dir=$(cd "$2" && pwd)
    port=${3:-9092}
fi
case $command in
    fetch) fetch ;;
    start)
        start
        echo "127.0.0.1:$port"
        ;;
    stop) stop ;;
    run)
        trap 'stop; [ -z "${made:-}" ] || rm -rf "$dir"' EXIT
        trap 'exit 0' INT TERM
        start
        echo "127.0.0.1:$port"
        cat >/dev/null || true
        ;;
    *) fail "there is no command $command" ;;
esac
