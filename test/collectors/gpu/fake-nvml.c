/*
 * Plays NVIDIA's management library, for tests on machines without a GPU: one Hopper card with GPM, one Ampere card without,
 * the second divided by MIG where FAKE_NVML_MIG is set. Layouts of structs are written as nvml.h declares them, apart from
 * how Pilotfish reads them. FAKE_NVML_HANG=n: the n-th reading of the temperature never ends.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { int index; } Device;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } MemoryV2;
typedef struct { unsigned version; int margin; } Margin;
typedef union { double d; unsigned ui; unsigned long ul; unsigned long long ull; long long sll; } Value;
typedef struct { unsigned fieldId, scopeId; long long timestamp, latencyUsec; unsigned valueType, nvmlReturn; Value value; } FieldValue;
typedef struct { unsigned metricId, nvmlReturn; double value; struct { char *shortName, *longName, *unit; } info; } GpmMetric;
typedef struct { unsigned version, numMetrics; void *sample1, *sample2; GpmMetric metrics[98]; } GpmMetricsGet;
typedef struct { unsigned version, isSupportedDevice; } GpmSupport;
typedef struct { Device *device; unsigned long long eventType, eventData; unsigned gpuInstanceId, computeInstanceId; } EventData;
typedef struct { int device, instance, number; } Sample;

enum { SUCCESS = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, TIMEOUT = 10 };

static Device cards[2] = {{0}, {1}}, parts[2] = {{100}, {101}};
static int readings, samples, registered, events_left = 2;
static int divided(const Device *d) { return d->index == 1 && getenv("FAKE_NVML_MIG") != NULL; }
static int is_part(const Device *d) { return d->index >= 100; }

int nvmlInit_v2(void) { return getenv("FAKE_NVML_INIT") ? atoi(getenv("FAKE_NVML_INIT")) : SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
int nvmlSystemGetDriverVersion(char *to, unsigned length) { snprintf(to, length, "590.48.01"); return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **to) { if (index > 1) return NOT_FOUND; *to = &cards[index]; return SUCCESS; }
int nvmlDeviceGetName(Device *d, char *to, unsigned length) { snprintf(to, length, d->index == 0 ? "NVIDIA H100 80GB HBM3" : d->index == 1 ? "NVIDIA A100-SXM4-80GB" : "NVIDIA A100-SXM4-80GB MIG 2g.20gb"); return SUCCESS; }
int nvmlDeviceGetUUID(Device *d, char *to, unsigned length) { snprintf(to, length, is_part(d) ? "MIG-0000000%d" : "GPU-0000000%d", d->index % 100); return SUCCESS; }
int nvmlDeviceGetUtilizationRates(Device *d, Utilization *to) { if (divided(d) || is_part(d)) return NOT_SUPPORTED; to->gpu = d->index ? 0 : 97; to->memory = 41; return SUCCESS; }
int nvmlDeviceGetMemoryInfo_v2(Device *d, MemoryV2 *to) {
  if (to->version != (sizeof(MemoryV2) | 2u << 24)) return 25;
  to->total = is_part(d) ? 20937965568ull : 85520809984ull; to->reserved = 502267904ull; to->used = is_part(d) ? 12582912ull : 11665408000ull; to->free = to->total - to->reserved - to->used;
  return SUCCESS;
}
int nvmlDeviceGetTemperature(Device *d, unsigned sensor, unsigned *to) {
  const char *hang = getenv("FAKE_NVML_HANG");
  readings += 1;
  if (hang && readings >= atoi(hang)) for (;;) sleep(1000);
  *to = 53 + d->index; return sensor == 0 ? SUCCESS : INVALID;
}
int nvmlDeviceGetTemperatureThreshold(Device *d, unsigned type, unsigned *to) { static const unsigned of[4] = {92, 89, 95, 85}; if (d->index == 0 || type > 3) return NOT_SUPPORTED; *to = of[type]; return SUCCESS; }
int nvmlDeviceGetMarginTemperature(Device *d, Margin *to) { if (d->index == 1) return NOT_SUPPORTED; if (to->version != (sizeof(Margin) | 1u << 24)) return 25; to->margin = -3; return SUCCESS; }
int nvmlDeviceGetPowerUsage(Device *d, unsigned *to) { (void)d; *to = 631950; return SUCCESS; }
int nvmlDeviceGetEnforcedPowerLimit(Device *d, unsigned *to) { (void)d; *to = 700000; return SUCCESS; }
int nvmlDeviceGetTotalEnergyConsumption(Device *d, unsigned long long *to) { (void)d; *to = 123456789012345ull; return SUCCESS; }
int nvmlDeviceGetClockInfo(Device *d, unsigned type, unsigned *to) { (void)d; *to = type == 1 ? 1980 : type == 2 ? 2619 : 1; return SUCCESS; }
int nvmlDeviceGetCurrentClocksThrottleReasons(Device *d, unsigned long long *to) { *to = d->index ? 0x1 : 0x4 | 0x40; return SUCCESS; }
int nvmlDeviceGetTotalEccErrors(Device *d, unsigned type, unsigned counter, unsigned long long *to) { if (counter != 0) return INVALID; *to = type == 0 ? 7 : d->index; return SUCCESS; }
int nvmlDeviceGetRemappedRows(Device *d, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failure) { if (d->index == 0) return NOT_SUPPORTED; *corrected = 2; *uncorrected = 1; *pending = 1; *failure = 0; return SUCCESS; }
int nvmlDeviceGetPcieThroughput(Device *d, unsigned counter, unsigned *to) { (void)d; *to = counter == 0 ? 359 : 329; return SUCCESS; }
int nvmlDeviceGetPcieReplayCounter(Device *d, unsigned *to) { *to = d->index ? 9 : 0; return SUCCESS; }
int nvmlDeviceGetFieldValues(Device *d, int count, FieldValue *values) {
  static unsigned long long sent;
  for (int i = 0; i < count; i += 1) {
    FieldValue *v = &values[i];
    v->nvmlReturn = SUCCESS; v->valueType = 3;
    switch (v->fieldId) {
      case 82: v->valueType = 1; v->value.ui = 61; break;
      case 74: v->value.ull = 4251825415000ull; break;
      case 269: v->value.ull = 5000000000ull; break;
      case 138: if (v->scopeId != 0xffffffff) return INVALID; sent += 1024; v->value.ull = sent; break;
      case 139: v->value.ull = 2 * sent; break;
      case 230: v->valueType = 1; v->value.ui = 0; if (d->index == 1) v->nvmlReturn = NOT_SUPPORTED; break;
      default: v->nvmlReturn = NOT_SUPPORTED; v->value.ull = 0xdeadbeef;
    }
  }
  return SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Device *d, unsigned *count, void *to) { unsigned is = d->index == 0 ? 3 : 0; if (is > 0 && (to == NULL || *count < is)) { *count = is; return INSUFFICIENT_SIZE; } *count = is; return SUCCESS; }
int nvmlDeviceGetMigMode(Device *d, unsigned *current, unsigned *pending) { if (is_part(d)) return NOT_SUPPORTED; *current = *pending = divided(d); return SUCCESS; }
int nvmlDeviceGetMaxMigDeviceCount(Device *d, unsigned *to) { (void)d; *to = 7; return SUCCESS; }
int nvmlDeviceGetMigDeviceHandleByIndex(Device *d, unsigned index, Device **to) { (void)d; if (index != 0 && index != 3) return NOT_FOUND; *to = &parts[index == 3]; return SUCCESS; }
int nvmlDeviceGetGpuInstanceId(Device *d, unsigned *to) { if (!is_part(d)) return INVALID; *to = d->index == 100 ? 3 : 4; return SUCCESS; }
int nvmlDeviceGetComputeInstanceId(Device *d, unsigned *to) { *to = d->index == 100 ? 0 : 1; return SUCCESS; }
int nvmlGpmQueryDeviceSupport(Device *d, GpmSupport *to) { if (to->version != 1) return 25; to->isSupportedDevice = d->index == 0; return SUCCESS; }
int nvmlGpmSampleAlloc(Sample **to) { *to = calloc(1, sizeof(Sample)); return SUCCESS; }
int nvmlGpmSampleFree(Sample *s) { free(s); return SUCCESS; }
int nvmlGpmSampleGet(Device *d, Sample *s) { s->device = d->index; s->number = ++samples; return SUCCESS; }
int nvmlGpmMigSampleGet(Device *d, unsigned instance, Sample *s) { s->device = d->index; s->instance = instance; s->number = ++samples; return SUCCESS; }
int nvmlGpmMetricsGet(GpmMetricsGet *get) {
  const Sample *before = get->sample1, *after = get->sample2;
  if (get->version != 1 || before->number >= after->number) return INVALID;
  for (unsigned i = 0; i < get->numMetrics; i += 1) {
    GpmMetric *m = &get->metrics[i];
    m->nvmlReturn = SUCCESS;
    switch (m->metricId) {
      case 1: m->value = 99; break; case 2: m->value = 22.5; break; case 10: m->value = 64; break;
      case 20: m->value = 2; break; case 21: m->value = 3; break; case 60: m->value = 5; break; case 61: m->value = 4; break;
      default: m->nvmlReturn = NOT_SUPPORTED; m->value = 1e300;
    }
  }
  return SUCCESS;
}
int nvmlEventSetCreate(void **to) { static int set; *to = &set; return SUCCESS; }
int nvmlDeviceRegisterEvents(Device *d, unsigned long long types, void *set) { (void)d; (void)set; registered += types == 8; return SUCCESS; }
int nvmlEventSetWait_v2(void *set, EventData *to, unsigned timeout) {
  (void)set;
  if (timeout != 0 || registered != 2 || events_left == 0) return TIMEOUT;
  events_left -= 1;
  to->device = &cards[1]; to->eventType = 8; to->eventData = events_left == 1 ? 13 : 79;
  return SUCCESS;
}
