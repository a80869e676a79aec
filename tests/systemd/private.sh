# SPDX-License-Identifier: BSD-3-Clause
# A private systemd for tests, and the distribution's corosync in it. To be sourced; the script that
# does so has set `here`, its own folder, and ends with `exit "$status"`.
# shellcheck shell=bash disable=SC2034,SC2154
scratch=$(mktemp -d)
mkdir "$scratch/units"
booter=
status=0

clean_up() {
  if [ -n "$booter" ]; then
    kill "$booter" 2>/dev/null
    wait "$booter" 2>/dev/null
  fi
  rm -rf "$scratch"
}
trap clean_up EXIT

fail() {
  echo "FAILED: $*"
  status=1
}

cannot() {
  echo "$(basename "$0"): $*" >&2
  [ "${CS_NO_SKIPS:-}" = 1 ] && exit 1
  exit 77
}

need_tools() {
  for tool in unshare nsenter setpriv ip pgrep systemctl; do
    command -v "$tool" >/dev/null || cannot "$tool is not installed"
  done
}

write_targets() {
  for target in test sysinit basic shutdown; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$scratch/units/$target.target"
  done
}

boot() {
  "$here/private-systemd" "$scratch/units" "$scratch/pid" &
  booter=$!
  for ((round = 0; round < 500; round++)); do
    [ -s "$scratch/pid" ] && break
    kill -0 "$booter" 2>/dev/null || break
    sleep 0.02
  done
  [ -s "$scratch/pid" ] || cannot 'no systemd can be booted here'
  eventually is_up || cannot 'systemd does not come up'
}

inside() {
  timeout 60 nsenter -t "$(cat "$scratch/pid")" -a "$@"
}

is_up() {
  case $(inside systemctl is-system-running 2>/dev/null) in
    running | degraded) return 0 ;;
  esac
  return 1
}

# eventually COMMAND...: until it succeeds; half a minute.
eventually() {
  for ((round = 0; round < 600; round++)); do
    "$@" && return 0
    sleep 0.05
  done
  return 1
}

# The distribution's, unpacked; one node.
add_corosync() {
  root=${CS_COROSYNC_ROOT:-$here/../../build/corosync-root}
  [ -x "$root/usr/sbin/corosync" ] || cannot "no corosync in $root (run scripts/fetch-corosync)"
  libraries=$(find "$root/usr/lib" "$root/lib" -maxdepth 2 -type d 2>/dev/null | tr '\n' :)
  cat >"$scratch/corosync.conf" <<'END'
totem {
  version: 2
  cluster_name: private
  transport: knet
  crypto_cipher: none
  crypto_hash: none
}
logging {
  to_stderr: yes
  to_syslog: no
  to_logfile: no
}
nodelist {
  node {
    nodeid: 1
    name: node1
    ring0_addr: 127.0.0.1
  }
}
quorum {
  provider: corosync_votequorum
}
system {
  allow_knet_handle_fallback: yes
  state_dir: /run/corosync
}
END
  printf '%s\n' '[Unit]' DefaultDependencies=no '[Service]' Type=notify \
    RuntimeDirectory=corosync "Environment=LD_LIBRARY_PATH=$libraries" \
    "ExecStart=$root/usr/sbin/corosync -f -c $scratch/corosync.conf" \
    StandardOutput=append:/run/corosync.log StandardError=append:/run/corosync.log \
    >"$scratch/units/corosync.service"
}

start_corosync() {
  inside systemctl start corosync.service ||
    cannot "corosync does not start: $(inside cat /run/corosync.log)"
}
