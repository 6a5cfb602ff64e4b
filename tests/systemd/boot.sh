#!/bin/sh
# The first process of a machine of its own: `boot.sh PLACE` in new pid, mount, cgroup, uts, ipc and network namespaces.
# It lays a root directory over this machine's (nothing of it is changed) and becomes systemd in it. PLACE holds:
#   install/   copied over the root directory: unit files, users, rules
#   shared/    at /srv inside, the same files on both sides
#   binds      one path a line, visible inside under the same name, read-only
#   boot_id    what this boot is called
set -eu
place=$1
mount --make-rprivate /
own=$place/own
mkdir -p "$own"
mount -t tmpfs -o size=1g,mode=755 machine "$own"
mkdir "$own/upper" "$own/work" "$own/root"
root=$own/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$own/upper,workdir=$own/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$place/boot_id" "$root/proc/sys/kernel/random/boot_id"
mount -t sysfs -o ro sysfs "$root/sys" || mount --rbind /sys "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/run/lock"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
mkdir -p "$root/srv"
mount --bind "$place/shared" "$root/srv"
while read -r path; do
    mkdir -p "$root$path"
    mount --bind "$path" "$root$path"
    mount -o remount,bind,ro "$root$path"
    while [ "${path%/*}" ]; do # whoever works inside must be able to get there
        path=${path%/*}
        [ ! -w "$root$path" ] || chmod a+x "$root$path"  # not inside of what is bound read-only
    done
done <"$place/binds"

# nothing of this machine's own starts in it
units=$root/etc/systemd/system
rm -rf "$units"/*.wants "$units"/*.requires "$units/default.target"
ln -s /lib/systemd/system/multi-user.target "$units/default.target"
for unit in getty.target systemd-tmpfiles-clean.timer systemd-tmpfiles-setup-dev.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount dev-hugepages.mount sys-fs-fuse-connections.mount \
    systemd-journald-audit.socket systemd-udevd.service systemd-udev-trigger.service systemd-remount-fs.service \
    systemd-sysctl.service systemd-modules-load.service systemd-timesyncd.service systemd-update-utmp.service \
    systemd-update-utmp-runlevel.service systemd-sysusers.service systemd-journal-flush.service proc-sys-fs-binfmt_misc.automount \
    systemd-binfmt.service apt-daily.timer systemd-firstboot.service ldconfig.service systemd-hwdb-update.service; do
    ln -sf /dev/null "$units/$unit"
done
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' >"$root/etc/systemd/journald.conf.d/machine.conf"
[ -s "$root/etc/machine-id" ] || tr -d - <"$place/boot_id" >"$root/etc/machine-id"
cp -a --no-preserve=ownership "$place/install/." "$root/"
systemd-sysusers --root="$root" >/dev/null 2>&1 || systemd-sysusers --root="$root"

cd "$root"
mkdir -p .before
pivot_root . .before
umount -l /.before
exec env -i container=machine PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --system --log-target=journal --show-status=0 --log-level=info </dev/null
