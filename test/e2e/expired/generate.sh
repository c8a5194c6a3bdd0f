#!/bin/sh -e
# Makes the certificate of a server that let it expire, and its key, which guards nothing: cert.pem, key.pem.
cd "$(dirname "$0")"
work=$(mktemp -d)
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl req -new -key key.pem -subj /CN=127.0.0.1 -out "$work/request.pem"
: > "$work/index"
echo 01 > "$work/serial"
cat > "$work/ca.conf" <<CONF
[ca]
default_ca = own
[own]
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
subjectAltName = IP:127.0.0.1
CONF
openssl ca -batch -selfsign -config "$work/ca.conf" -keyfile key.pem -in "$work/request.pem" -notext -out cert.pem -startdate 20200101000000Z -enddate 20200201000000Z
rm -r "$work"
