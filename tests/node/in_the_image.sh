#!/bin/sh
# in_the_image.sh ROOT KUBECONFIG USER:GROUP ARGUMENT...: runs the image's program in its root, read-only, as a user
# that it does not know. Call it in a mount namespace of its own (unshare --mount). From a kubeconfig, unlike in a
# pod, the Kubernetes client unpacks certificates into /tmp, so that alone can be written to.
set -e
root=$1 kubeconfig=$2 user=$3
shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
cp "$kubeconfig" "$root/tmp/kubeconfig"
chmod 644 "$root/tmp/kubeconfig"
if touch "$root/written" 2>/dev/null; then
  echo "the root can be written to"
  exit 1
fi
exec chroot --userspec="$user" --groups= "$root" /opt/certwright/bin/certwright "$@" --kubeconfig=/tmp/kubeconfig
