// Gestures from an accelerometer: a decision as soon as the network is sure, and a new sequence after it.
//
//   unrolled export runs/gestures/1 --format c --output gestures_net.c
//
// writes gestures_net.c and gestures_net.h; put both into the folder of this sketch.
//
// The three channels of the training were the acceleration in g, 50 times a second. `read_acceleration` is the only part
// that depends on the board; here it reads an analog sensor such as the ADXL335.

#include "gestures_net.h"

const float CONFIDENCE = 0.9f;
const int AT_LEAST = 10, AT_MOST = 150;  // steps
const unsigned long STEP_MS = 20;

gestures_net_state state;

void read_acceleration(float *values) {
  for (int axis = 0; axis < 3; axis++) values[axis] = (analogRead(A0 + axis) - 512) / 102.4f;
}

void setup() {
  Serial.begin(115200);
  gestures_net_reset(&state);
}

void loop() {
  static unsigned long next = 0;
  if (millis() < next) return;
  next = millis() + STEP_MS;

  float values[GESTURES_NET_CHANNELS], probabilities[GESTURES_NET_CLASSES];
  read_acceleration(values);
  gestures_net_step(&state, values);
  const int gesture = gestures_net_decide(&state, CONFIDENCE, AT_LEAST, probabilities);
  if (gesture >= 0) Serial.println(gestures_net_class_names[gesture]);
  if (gesture >= 0 || state.steps >= AT_MOST) gestures_net_reset(&state);
}
