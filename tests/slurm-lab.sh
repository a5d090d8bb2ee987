#!/usr/bin/env bash
# A real Slurm on this machine: several virtual nodes, loopback only, no systemd, no cgroups; Debian's slurm-wlm and munge.
#   slurm-lab.sh up          start what is not running; a node that was killed as well
#   slurm-lab.sh down        end the jobs, then the daemons
#   slurm-lab.sh kill NODE   SIGKILL a node's slurmd (its jobs go on)
#   slurm-lab.sh guard PID   take it down, and remove its folder, when that process is gone
# Settings (environment): SLURM_LAB (its folder), SLURM_LAB_PORTS ("controller node node ...": one node for each port
# after the first), SLURM_LAB_CPUS and SLURM_LAB_MEMORY (MB) of each node.
set -euo pipefail
base=${SLURM_LAB:?the folder of the lab}
read -r port node_ports <<<"${SLURM_LAB_PORTS:-16817 16818 16819}"
cpus=${SLURM_LAB_CPUS:-2} memory=${SLURM_LAB_MEMORY:-4096}
host=$(uname -n) host=${host%%.*}
export SLURM_CONF=$base/slurm.conf PATH=$PATH:/usr/sbin:/sbin

configure() {
    mkdir -p "$base"/{run,log,state,spool,munge}
    chmod 755 "$base" "$base"/{run,log,state,spool}
    chmod 711 "$base/munge"
    [ -s "$base/munge/key" ] || (umask 077 && head -c 1024 /dev/urandom >"$base/munge/key")
    echo "CgroupPlugin=cgroup/v1" >"$base/cgroup.conf"
    cat >"$SLURM_CONF" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$base/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$base/state
SlurmdSpoolDir=$base/spool/%n
SlurmctldPidFile=$base/run/slurmctld.pid
SlurmdPidFile=$base/run/slurmd-%n.pid
SlurmctldLogFile=$base/log/slurmctld.log
SlurmdLogFile=$base/log/slurmd-%n.log
# neither cgroups nor limits of the machine, so that any container does
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
ReturnToService=2
# cores and memory are counted, so that jobs queue
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=$((memory / cpus / 4))
# schedule at once, where a cluster takes seconds; find a dead node in seconds, where a cluster takes minutes
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=5
SlurmctldTimeout=20
SlurmdTimeout=20
KillWait=5
CompleteWait=0
InactiveLimit=0
UnkillableStepTimeout=30
# ended jobs without a database: \`scontrol show job\` for MinJobAge seconds, \`sacct -c\` ever after
MinJobAge=600
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$base/log/jobcomp.log
CONF
    local number=0 node_port
    for node_port in $node_ports; do
        number=$((number + 1))
        echo "NodeName=n$number NodeHostname=$host NodeAddr=127.0.0.1 Port=$node_port CPUs=$cpus RealMemory=$memory"
    done >>"$SLURM_CONF"
    echo "PartitionName=main Nodes=ALL Default=YES DefaultTime=10 MaxTime=INFINITE State=UP" >>"$SLURM_CONF"
    echo "PartitionName=short Nodes=ALL DefaultTime=1 MaxTime=5 State=UP" >>"$SLURM_CONF"
}

# nobody may be there to reap a dead daemon, so that the number alone says little
lives() { [ -r "/proc/$1/stat" ] && ! grep -q ') Z ' "/proc/$1/stat"; }

is_alive() { [ -s "$1" ] && lives "$(cat "$1")"; }

nodes() { sed -n 's/^NodeName=\([^ ]*\) .*/\1/p' "$SLURM_CONF"; }

wait_for() { # seconds, command ...
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

all_ready() { [ "$(sinfo -h -p main -N -t idle,alloc,mix -o %N | wc -l)" -ge "$(nodes | wc -l)" ]; }

up() {
    [ -s "$SLURM_CONF" ] || configure
    is_alive "$base/run/munged.pid" || munged --force --socket="$base/munge/socket" --key-file="$base/munge/key" \
        --pid-file="$base/run/munged.pid" --log-file="$base/log/munged.log" --seed-file="$base/munge/seed" \
        2>>"$base/log/munged.err"
    is_alive "$base/run/slurmctld.pid" || slurmctld -f "$SLURM_CONF" >>"$base/log/slurmctld.out" 2>&1
    local node
    for node in $(nodes); do
        is_alive "$base/run/slurmd-$node.pid" ||
            slurmd -N "$node" -f "$SLURM_CONF" >>"$base/log/slurmd-$node.out" 2>&1
    done
    if ! wait_for 60 all_ready; then
        tail -n 20 "$base"/log/* >&2
        return 1
    fi
}

stop() { # file with a process id
    is_alive "$1" || return 0
    local process
    process=$(cat "$1")
    kill "$process" 2>/dev/null || return 0
    wait_for 10 eval "! lives $process" || kill -9 "$process" 2>/dev/null || true
}

kill_node() {
    local process
    process=$(cat "$base/run/slurmd-$1.pid")
    kill -9 "$process"
    wait_for 10 eval "! lives $process"
}

down() {
    [ -d "$base/run" ] || return 0
    # jobs first: a slurmd that ends leaves them running
    if timeout 10 scontrol ping >/dev/null 2>&1; then
        timeout 10 scancel --full --user="$(id -un)" 2>/dev/null || true
        wait_for 15 eval '[ -z "$(timeout 10 squeue -h -t R,CG,S)" ]' || true
    fi
    local file
    for file in "$base"/run/slurmd-*.pid "$base"/run/slurmctld.pid "$base"/run/munged.pid; do stop "$file"; done
}

case "${1:-}" in
up | down) "$1" ;;
kill) kill_node "$2" ;;
guard)
    while lives "$2"; do sleep 2; done
    down
    rm -rf "$base"
    ;;
*)
    sed -n 2,8p "$0"
    exit 2
    ;;
esac
