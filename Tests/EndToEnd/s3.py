"""Just enough of S3 over the standard library, signed with SigV4
(docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html)."""

import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree as ElementTree


class S3Error(Exception):
    pass


class S3:
    def __init__(self, port, access_key, secret_key, region="us-east-1"):
        self.host = f"127.0.0.1:{port}"
        self.access_key = access_key
        self.secret_key = secret_key
        self.region = region

    def create_bucket(self, bucket):
        self._request("PUT", f"/{bucket}", {}, b"")

    def list_buckets(self):
        return self._request("GET", "/", {}, b"")

    def list(self, bucket, prefix=""):
        """All keys under the prefix with their sizes."""
        found = []
        token = None
        while True:
            query = {"list-type": "2", "prefix": prefix, "max-keys": "1000"}
            if token:
                query["continuation-token"] = token
            root = ElementTree.fromstring(self._request("GET", f"/{bucket}", query, b""))
            space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""
            for item in root.iter(f"{space}Contents"):
                found.append((item.findtext(f"{space}Key"), int(item.findtext(f"{space}Size"))))
            token = root.findtext(f"{space}NextContinuationToken")
            if root.findtext(f"{space}IsTruncated") != "true":
                return found

    def get(self, bucket, key):
        return self._request("GET", f"/{bucket}/{key}", {}, b"")

    def _request(self, method, path, query, body):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        hashed = hashlib.sha256(body).hexdigest()
        target = urllib.parse.quote(path, safe="/-_.~")
        encoded = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in sorted(query.items()))
        headers = {"host": self.host, "x-amz-content-sha256": hashed, "x-amz-date": now}
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            [method, target, encoded, *[f"{name}:{headers[name]}" for name in sorted(headers)], "", names, hashed]
        )
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        signed = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret_key}".encode()
        for part in (now[:8], self.region, "s3", "aws4_request", signed):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
        )
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, f"{target}?{encoded}" if encoded else target, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise S3Error(f"{method} {path}: {response.status} {content[:300]!r}")
        return content


def _quote(text):
    return urllib.parse.quote(text, safe="-_.~")
